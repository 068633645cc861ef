"""A network of its own for one process, whose link to this machine can be cut: Linux, as root, with `ip`."""

import contextlib
import os
import shutil
import subprocess

import pytest


class Partition:
    """A network namespace with one link; `host` is this machine's address on it."""

    def __init__(self):
        number = os.getpid() % 200
        self.host = f"10.77.{number}.1"
        self._guest = f"10.77.{number}.2"
        self._name = f"recorder{number}"
        self._link = f"veth{number}"

    def inside(self, command):
        """The command that runs one inside."""
        return ["ip", "netns", "exec", self._name, *command]

    def cut(self):
        self._ip("link", "set", self._link, "down")

    def join(self):
        self._ip("link", "set", self._link, "up")

    def make(self):
        self._ip("netns", "add", self._name)
        self._ip("link", "add", self._link, "type", "veth", "peer", "name", "eth0", "netns", self._name)
        self._ip("addr", "add", f"{self.host}/24", "dev", self._link)
        self._ip("link", "set", self._link, "up")
        for words in (f"addr add {self._guest}/24 dev eth0", "link set eth0 up", "link set lo up"):
            self._ip("-n", self._name, *words.split())

    def remove(self):
        with contextlib.suppress(subprocess.CalledProcessError):
            self._ip("netns", "del", self._name)
        with contextlib.suppress(subprocess.CalledProcessError):
            self._ip("link", "del", self._link)

    def _ip(self, *words):
        subprocess.run(["ip", *words], check=True, capture_output=True)


@contextlib.contextmanager
def partition():
    """Make a network namespace, and remove it in the end; the test is skipped where that cannot be done."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("a network namespace needs root and `ip`")
    made = Partition()
    try:
        made.make()
        yield made
    finally:
        made.remove()
