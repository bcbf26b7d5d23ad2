#!/usr/bin/env python3
"""The AWS SDK for JavaScript v3: a round trip through the gateway and directly, and the data API theme by theme.

The SDK is not in Debian: `npm install` brings the newest into a folder of the build ($EVERWRITE_CACHE), which
needs the network once. Hence the label `slow`; quick tests need no npm.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
from world import LoneRegion, World


def installed():
    """The folder of the script, with the packages beside it."""
    base = os.environ.get("EVERWRITE_CACHE") or os.path.join(tempfile.gettempdir(), "everwrite-test-cache")
    folder = pathlib.Path(base) / "javascript"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "round_trip.mjs", "themes.mjs"):
        shutil.copy(HERE / "javascript" / name, folder / name)
    if not (folder / "node_modules/@aws-sdk/lib-dynamodb").exists():
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder, check=True, timeout=300)
    return folder


def main():
    folder = installed()
    with World(regions=3, latency_ms=20, gateway=True) as world:
        subprocess.run(["node", "round_trip.mjs", "http://" + world.gateway] +
                       ["%s=http://%s" % (name, region.endpoint) for name, region in world.regions.items()],
                       cwd=folder, check=True, timeout=120)
    server = LoneRegion()
    server.start()
    try:
        subprocess.run(["node", "themes.mjs", "http://" + server.region.endpoint], cwd=folder, check=True, timeout=180)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
