#!/usr/bin/env python3
"""The example of docs/sessions.md for the JavaScript SDK v3, over slow links."""
import pathlib
import shutil
import subprocess

from javascript_test import HERE, installed
from world import ROOT, World, make_table


def main():
    folder = installed()
    shutil.copy(HERE / "javascript/sessions.mjs", folder)
    shutil.copy(ROOT / "docs/examples/everwrite-session.mjs", folder)
    with World(regions=3, latency_ms=150) as world:
        make_table(world.region("us-east-1"), "notes")
        world.wait_for_table("notes")
        subprocess.run(["node", "sessions.mjs"] + ["%s=http://%s" % (name, region.endpoint) for name, region in world.regions.items()],
                       cwd=folder, check=True, timeout=120)


if __name__ == "__main__":
    main()
