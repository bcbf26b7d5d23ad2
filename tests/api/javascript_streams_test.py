#!/usr/bin/env python3
"""Streams through the AWS SDK for JavaScript v3 and two consumers from npm (streams/streams.mjs), in two regions.

npm brings the packages once into a folder of the build ($EVERWRITE_CACHE). Hence the label `slow`.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
from world import World


def installed():
    base = os.environ.get("EVERWRITE_CACHE") or os.path.join(tempfile.gettempdir(), "everwrite-test-cache")
    folder = pathlib.Path(base) / "streams"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "streams.mjs"):
        shutil.copy(HERE / "streams" / name, folder / name)
    if not (folder / "node_modules/dynamodb-stream").exists():
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"], cwd=folder, check=True,
                       timeout=600)
    return folder


def main():
    folder = installed()
    with World(regions=2, latency_ms=10) as world:
        regions = " ".join("%s=http://%s" % (name, region.endpoint) for name, region in world.regions.items())
        subprocess.run(["node", "--test", "--test-reporter=spec", "streams.mjs"], cwd=folder, check=True, timeout=300,
                       env=dict(os.environ, REGIONS=regions))


if __name__ == "__main__":
    main()
