"""Object storages for tests: in memory, and servers that are started on loopback."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import pytest

KEY, SECRET = "testkey", "testsecret"
BUCKET = "rates"
START_S = 30
"""Seconds for a server to start; SeaweedFS takes 1 s, moto 3 s on a busy machine."""
IDENTITIES = {
    "identities": [
        {
            "name": "tests",
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
    ]
}


def program(name):
    """The path of a program; the test is skipped where it is not installed."""
    folders = [Path(__file__).parent.parent / ".venv-servers" / "bin", Path(sys.executable).parent]
    found = shutil.which(name, path=os.pathsep.join([*map(str, folders), os.environ.get("PATH", "")]))
    if found is None:
        pytest.skip(f"{name} is not installed: `make servers`")
    return found


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


def low_ports(count):
    """Free ports below 50,000 of which those 10,000 higher are free: SeaweedFS takes both."""
    ports = []
    for port in range(21_000 + os.getpid() % 20_000, 50_000):
        with (
            contextlib.suppress(OSError),
            socket.create_server(("127.0.0.1", port)),
            socket.create_server(("127.0.0.1", port + 10_000)),
        ):
            ports.append(port)
        if len(ports) == count:
            return ports
    raise AssertionError("no free ports")


@contextlib.contextmanager
def seaweedfs(host="127.0.0.1"):
    """A SeaweedFS with one bucket; gives its endpoint."""
    weed = program("weed")
    with tempfile.TemporaryDirectory(prefix="seaweedfs-") as folder:
        config = Path(folder, "s3.json")
        config.write_text(json.dumps(IDENTITIES), "utf-8")
        master, volume, filer, s3 = low_ports(4)
        command = [weed, "server", f"-dir={folder}", f"-ip={host}", f"-ip.bind={host}"]
        command += [f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}", "-filer"]
        command += ["-s3", f"-s3.port={s3}", f"-s3.config={config}", "-volume.max=50"]
        command += ["-master.volumeSizeLimitMB=64", "-s3.port.iceberg=0", "-s3.port.lance=0"]
        with _running(command, folder, f"http://{host}:{s3}") as endpoint:
            yield endpoint


@contextlib.contextmanager
def moto():
    """A moto server with one bucket; gives its endpoint. It checks a condition and then writes, without a lock."""
    (port,) = free_ports(1)
    with (
        tempfile.TemporaryDirectory(prefix="moto-") as folder,
        _running([program("moto_server"), "-p", str(port)], folder, f"http://127.0.0.1:{port}") as endpoint,
    ):
        yield endpoint


@contextlib.contextmanager
def _running(command, folder, endpoint):
    with Path(folder, "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        _make_bucket(endpoint, process, Path(folder, "log"))
        yield endpoint
    finally:
        process.kill()
        process.wait()


def _make_bucket(endpoint, process, log):
    """Create the bucket, once the server takes requests: moto needs one more of its own, SeaweedFS its first put."""
    import obstore
    from obstore.exceptions import BaseError
    from obstore.store import S3Store

    names = {"endpoint": endpoint, "access_key_id": KEY, "secret_access_key": SECRET, "region": "us-east-1"}
    bucket = S3Store(BUCKET, **names, client_options={"allow_http": True}, retry_config={"max_retries": 0})
    deadline_s = time.monotonic() + START_S
    while True:
        assert process.poll() is None, log.read_text("utf-8", "replace")[-2000:]
        try:
            httpx.put(f"{endpoint}/{BUCKET}")
            obstore.put(bucket, "probe", b"")
        except (httpx.HTTPError, BaseError, FileNotFoundError):
            assert time.monotonic() < deadline_s, "the server does not answer"
            time.sleep(0.1)
        else:
            return


def environment(endpoint):
    """The variables that name a server and its credentials."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
    }
