"""What docs/running.md states about systemd, asserted in a booted Debian: run there by `check_systemd.py`, as root.

Each claim prints what was measured; the first one that does not hold ends the run. The units are the ones that
`fxticker service install` wrote, without drop-ins but for a lower limit of starts where systemd is to give up.
"""

import ctypes
import json
import os
import re
import shutil
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from page_blocks import blocks
from service_facts import (
    PROGRAM,
    STORE,
    counted,
    is_active,
    journal,
    now,
    page,
    run,
    shown,
    took,
    until,
    wait_for_polls,
)

CHECK = Path(__file__).parent
PAGE = CHECK / "running.md"
CONFIG = Path("/etc/fxticker/config.toml")
MODE = Path("/run/site-mode")
PROBES = Path("/var/lib/fxticker/probes.jsonl")
ALERT = Path("/usr/local/bin/fxticker-alert")
EVERY_S = 10
SITE = f"""
timeout_s = 4
[alerts]
on_alert = "{ALERT}"
[sources.timesca]
url = "http://127.0.0.1:8000/"
every = "{EVERY_S}s"
"""
DROP_IN = Path("/run/systemd/system/fxticker.service.d/memory.conf")
ANALYST = "analyst"
PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207
"""Requests of ptrace(2)."""
WALL = 0x40000000
"""Has waitpid(2) wait for threads, too."""
_figures = {}


def site(mode):
    """Have the site answer (`ok`), send 5 MB of markup (`heavy`), wait (`slow`), or close connections (`down`)."""
    MODE.write_text(mode, "utf-8")


def figure(name, value, unit=""):
    """Keep a measured figure for the line at the end."""
    _figures[name] = f"{value:.1f}{unit}" if isinstance(value, float) else f"{value}{unit}"
    print(f"  {name}: {_figures[name]}", flush=True)


def is_installed_as_the_page_says():
    """Everything up to `systemctl enable --now` was run before the boot; here the rest, and what the site needs."""
    site("ok")
    run("systemd-run", "--unit=site", "/opt/fxticker/bin/python", CHECK / "loopback_site.py", MODE)
    start, rest = blocks(PAGE, "System service", "sh")[1].split("systemctl status fxticker\n")
    figure("start_s", took(lambda: page(start)), " s")
    assert shown("ActiveState") == "active"
    assert shown("Type") == "notify"
    assert shown("TimeoutStartUSec") == "15min"
    assert "enabled" in page("systemctl status fxticker")
    page(rest)
    wait_for_polls(2)
    assert re.fullmatch(r"last: timesca \S+Z ok; next slot: \S+Z", shown("StatusText")), shown("StatusText")
    assert all(json.loads(line) for line in journal().splitlines() if line.startswith("{"))
    assert run("sudo", "-u", "nobody", PROGRAM, "latest", "--config", CONFIG, "--format", "json")
    assert run(PROGRAM, "status", "--config", CONFIG)
    figure("memory_mb", round(memory_kb() / 1000), " MB")


def memory_kb(name="VmRSS"):
    """Resident memory of the daemon, now or at its peak (VmHWM), in 1024 bytes."""
    text = Path(f"/proc/{shown('MainPID')}/status").read_text("ascii")
    return int(re.search(rf"{name}:\s+(\d+)", text)[1])


def is_limited_in_memory():
    """The worst page of 5 MB stays below the limit; a process that would pass one is ended by the kernel."""
    groups = [Path("/sys/fs/cgroup") / name / "system.slice/fxticker.service" for name in ("", "memory")]
    limits = [group / name for group in groups for name in ("memory.max", "memory.limit_in_bytes")]
    [limit] = [int(file.read_text("ascii")) for file in limits if file.exists()]
    assert limit == int(shown("MemoryMax")) == 512 * 2**20
    site("heavy")
    wait_for_polls(1)
    site("ok")
    figure("heavy_page_mb", round(memory_kb("VmHWM") / 1000), " MB")
    assert memory_kb("VmHWM") < 300_000
    DROP_IN.parent.mkdir(parents=True)
    DROP_IN.write_text("[Service]\nMemoryMax=16M\n", "ascii")
    run("systemctl", "daemon-reload")
    run("systemctl", "restart", "fxticker", check=False)
    assert shown("Result") in {"signal", "oom-kill"}, shown("Result")
    DROP_IN.unlink()
    run("systemctl", "daemon-reload")
    run("systemctl", "restart", "fxticker")
    wait_for_polls(1)


def protects_what_the_page_lists():
    """The alert command looks around in the service's own rules, as soon as the site is down for three slots."""
    shutil.chown(ALERT, "root", "fxticker")
    ALERT.chmod(0o750)
    Path("/tmp/of-another").touch()
    Path("/srv/of-another").touch()
    os.chown("/srv/of-another", 4321, 4321)
    site("down")
    until(PROBES.exists, 120, "an alert")
    site("ok")
    probe = json.loads(PROBES.read_text("utf-8").splitlines()[0])
    assert probe["alert"]["event"] == "stale"
    assert set(probe["write"].values()) == {"EROFS"}, probe["write"]
    assert (probe["store"], probe["state"], probe["loopback"]) == (None, None, None), probe
    assert set(probe["home"].values()) == {"EACCES"}, probe["home"]
    assert probe["tmp"] == [], probe["tmp"]
    assert not [name for name in probe["devices"] if re.match("sd|vd|nvme|loop|mem|kmsg|rtc", name)], probe["devices"]
    assert {int(mask, 16) for mask in probe["capabilities"]} == {0}, probe["capabilities"]
    assert probe["no_new_privileges"] == "1"
    assert probe["owner_of_another"] == 65534
    assert probe["processes_of"] == [probe["uid"]]
    assert probe["executable_memory"] in {"EPERM", "EACCES"}
    assert (probe["netlink"], probe["packet"]) == ("EAFNOSUPPORT", "EAFNOSUPPORT")
    assert {probe[name] for name in ("mount", "adjtimex", "nice")} == {"EPERM"}, probe
    assert probe["sudo"] == 1
    until(lambda: '"recovered"' in PROBES.read_text("utf-8"), 120, "the alert that it is over")


def has_the_exposure_of_the_page():
    """The score of the running unit, by systemd's own analysis."""
    text = run("systemd-analyze", "security", "--no-pager", "fxticker.service")
    figure("exposure", re.search(r"exposure level for fxticker.service: ([0-9.]+) OK", text)[1])


def reloads():
    """A changed grid takes effect at once; an invalid configuration is refused, with all its problems."""
    written, pid = CONFIG.read_text("utf-8"), shown("MainPID")
    CONFIG.write_text(written.replace(f'"{EVERY_S}s"', '"5s"'), "utf-8")
    figure("reload_s", took(lambda: page("systemctl reload fxticker")), " s")
    since = now()
    until(lambda: counted("ok", since) >= 3, 3 * EVERY_S - 10, "three polls of the new grid")
    CONFIG.write_text("[http]\ntimeout_s = 0\nnonsense = 1\n", "utf-8")
    page("systemctl reload fxticker")
    until(lambda: {"timeout_s", "nonsense"} <= set(re.findall("timeout_s|nonsense", journal())), 10, "both problems")
    wait_for_polls(1)
    CONFIG.write_text(written, "utf-8")
    page("systemctl reload fxticker")
    wait_for_polls(1)
    assert shown("MainPID") == pid


def is_restarted_with_one_missed_slot():
    """A killed daemon is back 30 s later; of a grid of 20 s the slot between is `missed`, and no other one."""
    written = CONFIG.read_text("utf-8")
    CONFIG.write_text(written.replace(f'"{EVERY_S}s"', '"20s"'), "utf-8")
    page("systemctl reload fxticker")
    wait_for_polls(1)
    since, pid = now(), shown("MainPID")
    time.sleep(3)
    os.kill(int(pid), signal.SIGKILL)
    figure("restart_s", until(lambda: shown("MainPID") not in {"0", pid} and is_active(), 60, "a restart"), " s")
    wait_for_polls(1)
    assert shown("NRestarts") == "1"
    figure("missed", counted("missed", since))
    assert counted("missed", since) == 1
    CONFIG.write_text(written, "utf-8")
    page("systemctl reload fxticker")


def stops_within_5_s():
    """Also while the site lets a request wait."""
    wait_for_polls(1)
    quick_s = took(lambda: page("systemctl stop fxticker"))
    assert (shown("ActiveState"), shown("Result")) == ("inactive", "success")
    site("slow")
    page("systemctl start fxticker")
    connections = ["ss", "--no-header", "--tcp", "state", "established", "dst", "127.0.0.1:8000"]
    until(lambda: run(*connections), 2 * EVERY_S, "a request that waits")
    waiting_s = took(lambda: page("systemctl stop fxticker"))
    assert (shown("ActiveState"), shown("Result")) == ("inactive", "success")
    site("ok")
    figure("stop_s", max(quick_s, waiting_s), " s")
    assert max(quick_s, waiting_s) < 5
    page("systemctl start fxticker")
    wait_for_polls(1)


def gives_up_only_where_failed_conf_says_so():
    """An invalid configuration is tried again each 30 s; with contrib's files the alert command is run, and so on."""
    written = CONFIG.read_text("utf-8")
    CONFIG.write_text("nonsense = 1\n", "utf-8")
    run("systemctl", "restart", "fxticker", check=False)
    until(lambda: shown("NRestarts") == "1", 60, "another start")
    assert shown("ActiveState") == "activating"
    assert "nonsense" in journal()
    drop_in = Path("/etc/systemd/system/fxticker.service.d")
    drop_in.mkdir()
    limits = (CHECK / "failed.conf").read_text("utf-8").replace("StartLimitBurst=100", "StartLimitBurst=2")
    (drop_in / "failed.conf").write_text(limits, "utf-8")
    Path("/etc/systemd/system/fxticker-failed.service").write_bytes((CHECK / "fxticker-failed.service").read_bytes())
    run("systemctl", "daemon-reload")
    told = '"reason": "systemd cannot keep it running'
    until(lambda: told in PROBES.read_text("utf-8"), 120, "the command by systemd")
    CONFIG.write_text(written, "utf-8")
    until(is_active, 60, "the start after the repair")
    (drop_in / "failed.conf").unlink()
    run("systemctl", "daemon-reload")
    run("systemctl", "reset-failed", "fxticker")
    wait_for_polls(1)


def runs_as_a_user_service():
    """The page's block, as a user whose login session has a systemd."""
    run("useradd", "--create-home", "--shell", "/bin/sh", ANALYST)
    home = Path("/home") / ANALYST
    text = CONFIG.read_text("utf-8").replace(f'path = "{STORE}"', 'path = "parquet"')
    (home / "config.toml").write_text(re.sub(r"\[alerts\]\non_alert.*\n", "", text), "utf-8")
    page(blocks(PAGE, "User service", "sh")[0], *as_analyst())
    until(lambda: ANALYST not in run("loginctl", "list-sessions"), 20, "the end of the login session")
    assert user_shown("ActiveState") == "active"
    text = without_session("systemd-analyze", "--user", "security", "--no-pager", "fxticker.service")
    figure("exposure_user", re.search(r"exposure level for fxticker.service: ([0-9.]+)", text)[1])
    until(lambda: " ok; next slot" in user_shown("StatusText"), 60, "a poll of the user's service")


def as_analyst():
    """The words before a command of the user's, which runs in a login session of its own."""
    run_as = ["systemd-run", "--quiet", "--pipe", "--wait", f"--uid={ANALYST}", "--property=PAMName=login"]
    return [*run_as, "--setenv=PATH=/opt/fxticker/bin:/usr/bin:/bin", f"--working-directory=/home/{ANALYST}"]


def without_session(*command):
    """Run a command of the user's that opens no session."""
    uid = run("id", "--user", ANALYST).strip()
    identity = [f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
    return run("setpriv", *identity, "env", f"XDG_RUNTIME_DIR=/run/user/{uid}", *command)


def user_shown(name):
    """A property of the user's unit."""
    return without_session("systemctl", "--user", "show", "--value", "--property", name, "fxticker").strip()


def is_ended_by_the_watchdog():
    """Two daemons at once: of the system's one thread hangs, and the user's is stopped whole (SIGSTOP)."""
    pid, user_pid = shown("MainPID"), user_shown("MainPID")
    hang(int(pid))
    os.kill(int(user_pid), signal.SIGSTOP)
    begun_s = time.monotonic()
    hung_s = until(lambda: shown("NRestarts") != "0" or shown("Result") == "watchdog", 240, "the watchdog's end")
    figure("watchdog_s", hung_s, " s")
    log = journal()
    assert "no outcome in time" in log
    assert "Watchdog timeout" in log
    assert "Fatal Python error: Aborted" in log
    threads = len(re.findall(r"(?:Current t|T)hread 0x", log))
    figure("stacks", threads)
    until(lambda: user_shown("MainPID") not in {"0", user_pid}, 240, "the end of the stopped daemon")
    figure("stopped_s", time.monotonic() - begun_s, " s")
    until(is_active, 60, "the restart")
    wait_for_polls(1)


def hang(pid):
    """Stop the thread that polls, and it alone: the one that uses the processor while polls come."""
    tasks = Path(f"/proc/{pid}/task")

    def run_ns():
        return {int(task.name): int((task / "schedstat").read_text("ascii").split()[0]) for task in tasks.iterdir()}

    before = run_ns()
    wait_for_polls(2)
    used = {task: ran_ns - before.get(task, 0) for task, ran_ns in run_ns().items()}
    busiest = max(used, key=used.get)
    libc = ctypes.CDLL(None, use_errno=True)
    for request in (PTRACE_SEIZE, PTRACE_INTERRUPT):
        assert libc.ptrace(request, busiest, None, None) == 0, os.strerror(ctypes.get_errno())
    threading.Thread(target=reap, args=[busiest], daemon=True).start()


def reap(thread):
    """Take the end of a traced thread: its process would else stay until its tracer has."""
    with suppress(ChildProcessError):
        while True:
            os.waitpid(thread, WALL)


CLAIMS = [
    is_installed_as_the_page_says,
    is_limited_in_memory,
    has_the_exposure_of_the_page,
    protects_what_the_page_lists,
    reloads,
    is_restarted_with_one_missed_slot,
    stops_within_5_s,
    gives_up_only_where_failed_conf_says_so,
    runs_as_a_user_service,
    is_ended_by_the_watchdog,
]


def main(*names):
    """Assert each claim, in order; or the first one and those that are named."""
    for claim in CLAIMS if not names else [CLAIMS[0], *(claim for claim in CLAIMS if claim.__name__ in names)]:
        print(claim.__name__.replace("_", " "), flush=True)
        claim()
    print("figures: " + ", ".join(f"{name} {value}" for name, value in _figures.items()))


if __name__ == "__main__":
    main(*sys.argv[1:])
