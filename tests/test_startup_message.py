"""At a terminal three lines say what is polled when, where the store lies, and how to see that it is well."""

import os
import pty
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from builders import NOON
from daemons import SAFETY_S, daemon_process, lines_until

from fxticker.daemon.startup_message import startup_message
from fxticker.sources.registry import scheduled

DAILY = "2025-11-15 03:58:47"
NOW_TOO = "a source without a recent successful poll is polled now, too"


def test_lines_name_sources_store_and_the_command_for_health():
    planned = [scheduled("cbu", every="1d"), scheduled("timesca", cron="*/20 * * * *")]
    assert startup_message(planned, Path("/data/my rates"), ["--store=/data/my rates"], NOON) == [
        f"polling cbu every 1 d, next at {DAILY}; timesca at */20 * * * *, next at 12:20:00 (UTC); {NOW_TOO}",
        "store   /data/my rates",
        "health  fxticker status '--store=/data/my rates'",
    ]


def test_slot_that_has_an_outcome_is_not_named_as_the_next_one():
    next_slots = {"timesca": NOON + timedelta(days=400)}
    [line, *_] = startup_message([scheduled("timesca")], Path(), [], NOON, next_slots)
    assert "next at 2026-12-19 12:00:00 (UTC)" in line


@pytest.mark.parametrize(
    ("every", "shown"),
    [("15min", "every 15 min"), ("90min", "every 90 min"), ("2h", "every 2 h"), ("45s", "every 45 s")],
)
def test_interval_is_in_its_largest_whole_unit(every, shown):
    assert (
        f"polling timesca {shown}, next at "
        in startup_message([scheduled("timesca", every=every)], Path(), [], NOON)[0]
    )


def test_relative_store_is_shown_from_the_root():
    assert startup_message([scheduled("timesca")], Path("parquet"), [], NOON)[1:] == [
        f"store   {Path.cwd()}/parquet",
        "health  fxticker status",
    ]


def test_control_characters_of_a_path_are_not_printed():
    store = Path("/data/\x1b[31mred\n")
    assert all(
        line.isprintable() for line in startup_message([scheduled("timesca")], store, [f"--store={store}"], NOON)
    )


def run_until_polled(folder, url, stderr):
    config = folder / "config.toml"
    config.write_text(f'[store]\npath = "store"\n[sources.timesca]\nurl = "{url}"\nevery = "15min"\n', "utf-8")
    return subprocess.Popen(
        [sys.executable, "-m", "fxticker", "run", "--config", "config.toml"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=stderr,
    )


def test_newcomer_at_a_terminal_sees_three_lines_and_a_poll(tmp_path, site):
    terminal, end = pty.openpty()
    process = run_until_polled(tmp_path, site.url, end)
    os.close(end)
    safety = threading.Timer(SAFETY_S, process.kill)
    safety.start()
    try:
        seen = b""
        while b" ok: 5 ticks" not in seen and (part := os.read(terminal, 4096)):
            seen += part
    finally:
        process.terminate()
        process.communicate()
        safety.cancel()
        os.close(terminal)
    first, second, third, *rest = seen.decode().replace("\r\n", "\n").splitlines()
    assert first.startswith("polling timesca every 15 min, next at ")
    assert second == f"store   {tmp_path}/store"
    assert third == "health  fxticker status --config=config.toml"
    assert len(rest) == 2


def test_log_that_is_no_terminal_has_none_of_them(tmp_path, site):
    with daemon_process(tmp_path, site.url, "-m", "fxticker") as process:
        lines = lines_until(process, " ok: ").splitlines()
    assert {line[0] for line in lines} == {"{"}
