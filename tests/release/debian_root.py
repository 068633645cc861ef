"""An empty Debian in a folder, and commands and systemd in it: made by mmdebstrap, run by systemd-nspawn, as root."""

import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORK = ROOT / "build" / "release"
CONFIG = """
[http]
timeout_s = 4
[sources.timesca]
url = "http://127.0.0.1:8000/"
every = "5s"
"""
"""A configuration whose only source is the loopback site."""
SOURCES = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))
"""Where this machine's apt has its mirror from; no other one is named here."""
_MACHINE = "fxticker-release"
_GROUPS = Path("/sys/fs/cgroup")
_IS_VERSION_1 = not (_GROUPS / "cgroup.procs").exists()
_HIERARCHIES = [folder for folder in sorted(_GROUPS.iterdir()) if folder.is_dir()] if _IS_VERSION_1 else [_GROUPS]
_WRITABLE = """
for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/*; do mount --options remount,bind,rw $hierarchy; done
systemctl daemon-reexec
"""
"""Control groups of version 1, which systemd-nspawn hands on read-only: with it systemd limits memory there too."""
_ALONE = """
for hierarchy in {hierarchies}; do echo $$ >$hierarchy/{machine}/cgroup.procs; done
mount -t tmpfs tmpfs /run && mkdir /run/systemd
exec systemd-nspawn --quiet --keep-unit --register=no --private-network --machine={machine} "$@"
"""
"""Runs systemd-nspawn on a machine without systemd: it needs a /run in memory, and control groups of its own."""


def require(*programs):
    """End the script where it cannot run, naming what is missing; that fails no other check."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing or os.geteuid() != 0:
        print(f"not run: it needs root{', and ' * bool(missing)}{', '.join(missing)}")
        sys.exit(0)


def debian(folder, packages, suite="bookworm"):
    """Make a Debian with these packages in a folder, from the mirror of this machine's apt."""
    sources = next((path for path in SOURCES if path.exists()), None)
    if sources is None:
        sys.exit(f"not run: apt's mirror is in none of {', '.join(map(str, SOURCES))}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    command = [
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        "--dpkgopt=force-unsafe-io",
        f"--include={','.join(packages)}",
    ]
    subprocess.run([*command, suite, folder, sources], check=True)
    (folder / "etc/hostname").write_text(f"{_MACHINE}\n", "utf-8")
    (folder / "etc/hosts").write_text(f"127.0.0.1 localhost {_MACHINE}\n", "utf-8")


def download(lock, into, *, python="3.11"):
    """Take the locked packages for a Python of that version on this machine's architecture, checked by their hashes."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--requirement", lock]
    platforms = [f"--platform=manylinux_2_{minor}_{os.uname().machine}" for minor in (28, 27, 24, 17, 12, 5)]
    chosen = ["--only-binary=:all:", "--implementation=cp", f"--python-version={python}", *platforms]
    subprocess.run([*command, *chosen, "--dest", into], check=True)


@contextmanager
def container(root, *options, stdout=None, is_filtered=True):
    """A running systemd-nspawn on a folder, as a process; it and all that it started are ended afterwards."""
    groups = [_group(hierarchy) for hierarchy in _HIERARCHIES]
    script = _ALONE.format(hierarchies=" ".join(map(str, _HIERARCHIES)), machine=_MACHINE)
    alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-euc", script, "sh"]
    words = [*alone, f"--directory={root}", *options]
    environment = {**os.environ, "SYSTEMD_SECCOMP": str(int(is_filtered))}
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=stdout, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for group in groups:
            _remove(group)


def run_in(root, script, *, binds=()):
    """Run a shell script in a folder's Debian, without a network."""
    options = ["--pipe", "--as-pid2", *(f"--bind-ro={outside}:{inside}" for outside, inside in binds)]
    with container(root, *options, "--", "/bin/sh", "-euc", script) as process:
        if process.wait():
            sys.exit(f"exit code {process.returncode} of, in {root}:\n{script}")


@contextmanager
def booted(root, *, binds=(), log, has_all_rights=False):
    """Boot a folder's Debian, and yield what runs a command in it; an engine of containers needs all rights."""
    options = [f"--bind-ro={outside}:{inside}" for outside, inside in binds]
    options += ["--boot", "--console=read-only"] + ["--capability=all"] * has_all_rights
    with (
        log.open("wb") as console,
        container(root, *options, stdout=console, is_filtered=not has_all_rights) as process,
    ):
        inside = ["nsenter", "--target", str(_first_process(process)), "--all", "--"]

        def call(*command, **changes):
            return subprocess.run([*inside, *map(str, command)], check=True, **changes)

        call(
            "timeout", "60", "sh", "-c", "until systemctl is-system-running --wait >/dev/null 2>&1; do sleep 0.1; done"
        )
        if _IS_VERSION_1:
            call("sh", "-euc", _WRITABLE)
        yield call


def _group(hierarchy):
    """Make a control group of its own for a container."""
    group = hierarchy / _MACHINE
    group.mkdir(exist_ok=True)
    for name in ("cpuset.cpus", "cpuset.mems"):  # without them a group takes no process
        if hierarchy.name == "cpuset":
            (group / name).write_text((hierarchy / name).read_text("ascii"), "ascii")
    return group


def _first_process(process, limit_s=60):
    """The number, outside, of the container's first process, once it is systemd."""
    end_s = time.monotonic() + limit_s
    while time.monotonic() < end_s and process.poll() is None:
        for child in _children(process.pid):  # systemd-nspawn
            for grandchild in _children(child):
                if Path(f"/proc/{grandchild}/comm").read_text("utf-8") == "systemd\n":
                    return grandchild
        time.sleep(0.1)
    sys.exit(f"nothing was booted, exit code {process.poll()}")


def _children(pid):
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    return []


def _remove(group, limit_s=10):
    """Remove a control group, as soon as the processes in it that were killed are gone."""
    end_s = time.monotonic() + limit_s
    while group.exists() and time.monotonic() < end_s:
        for folder in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
            with suppress(OSError):
                folder.rmdir()
        with suppress(OSError):
            group.rmdir()
        time.sleep(0.1)
