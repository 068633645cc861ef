#!/usr/bin/python3
"""The alert command of the check: appends to a file of the service what the rules that it runs under allow."""

import ctypes
import errno
import json
import mmap
import os
import socket
import subprocess
import sys
from pathlib import Path

STATE = os.environ.get("STATE_DIRECTORY", "/var/lib/fxticker")
STORE = Path("/var/lib/fxticker/parquet")
READ_ONLY = ("/etc", "/usr", "/opt/fxticker", "/var/lib", "/var/log", "/srv", "/")
_LIBC = ctypes.CDLL(None, use_errno=True)


def refusal(action, *arguments, **keywords):
    """The name of the error that an action ends with, or null."""
    try:
        action(*arguments, **keywords)
    except OSError as error:
        return errno.errorcode[error.errno]
    return None


def call(name, *arguments):
    """Call a function of the C library, and raise the error that it reports."""
    if getattr(_LIBC, name)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), name)


def write(folder):
    """Make a file in a folder and remove it."""
    file = Path(folder) / "probe"
    file.touch()
    file.unlink()


def status():
    """The lines of /proc/self/status, by their names."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return {name: text.strip() for name, _, text in (line.partition(":") for line in lines)}


def owners_of_processes():
    """The users whose processes are visible."""
    return sorted({entry.stat().st_uid for entry in Path("/proc").iterdir() if entry.name.isdecimal()})


def probed():
    """What the rules allow."""
    mine = status()
    return {
        "alert": json.load(sys.stdin),
        "write": {folder: refusal(write, folder) for folder in READ_ONLY},
        "store": refusal(write, STORE),
        "state": refusal(write, STATE),
        "home": {folder: refusal(os.listdir, folder) for folder in ("/home", "/root")},
        "tmp": [path.name for path in Path("/tmp").iterdir()],
        "devices": sorted(path.name for path in Path("/dev").iterdir()),
        "capabilities": [mine["CapEff"], mine["CapPrm"], mine["CapBnd"]],
        "no_new_privileges": mine["NoNewPrivs"],
        "owner_of_another": Path("/srv/of-another").stat().st_uid,
        "uid": os.getuid(),
        "processes_of": owners_of_processes(),
        "executable_memory": refusal(mmap.mmap, -1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC),
        "netlink": refusal(socket.socket, socket.AF_NETLINK, socket.SOCK_RAW),
        "packet": refusal(socket.socket, socket.AF_PACKET, socket.SOCK_RAW),
        "loopback": refusal(socket.create_connection, ("127.0.0.1", 8000)),
        "mount": refusal(call, "mount", b"none", b"/mnt", b"tmpfs", 0, None),
        "adjtimex": refusal(call, "adjtimex", ctypes.create_string_buffer(512)),
        "nice": refusal(os.nice, 1),
        "sudo": subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode,
    }


with (Path(STATE) / "probes.jsonl").open("a", encoding="utf-8") as file:
    file.write(json.dumps(probed()) + "\n")
