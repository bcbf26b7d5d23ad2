#!/usr/bin/env python3
"""Mappers and tools that people use (tools/tools.mjs), and the AWS CLI's waiters, against one region.

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
from world import LoneRegion


def installed():
    base = os.environ.get("EVERWRITE_CACHE") or os.path.join(tempfile.gettempdir(), "everwrite-test-cache")
    folder = pathlib.Path(base) / "tools"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "tools.mjs"):
        shutil.copy(HERE / "tools" / name, folder / name)
    if not (folder / "node_modules/electrodb").exists():
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"], cwd=folder, check=True,
                       timeout=600)
    return folder


def waiters(endpoint):
    """`aws dynamodb wait` polls DescribeTable until its state is the one waited for."""
    environment = dict(os.environ, AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_PAGER="")

    def aws(*arguments):
        done = subprocess.run(["aws", "dynamodb", "--endpoint-url", endpoint, "--region", "us-east-1", *arguments], env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        assert done.returncode == 0, "aws dynamodb %s: %s" % (" ".join(arguments), done.stdout)
        return done.stdout

    aws("create-table", "--table-name", "waited", "--billing-mode", "PAY_PER_REQUEST", "--attribute-definitions",
        "AttributeName=pk,AttributeType=S", "--key-schema", "AttributeName=pk,KeyType=HASH")
    aws("wait", "table-exists", "--table-name", "waited")
    aws("put-item", "--table-name", "waited", "--item", '{"pk": {"S": "a"}}')
    assert '"Count": 1' in aws("scan", "--table-name", "waited")
    aws("delete-table", "--table-name", "waited")
    aws("wait", "table-not-exists", "--table-name", "waited")


def main():
    folder = installed()
    region = LoneRegion()
    region.start()
    try:
        endpoint = "http://" + region.region.endpoint
        waiters(endpoint)
        subprocess.run(["node", "--test", "--test-reporter=spec", "tools.mjs"], cwd=folder, check=True, timeout=300,
                       env=dict(os.environ, ENDPOINT=endpoint))
    finally:
        region.stop()


if __name__ == "__main__":
    main()
