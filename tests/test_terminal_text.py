"""What commands print of a store's text holds no terminal control sequences."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from builders import snapshot_ticks, tick
from click.testing import CliRunner

from fxticker.cli import app
from fxticker.model.records import Outcome, Poll
from fxticker.store.store import Store

HOSTILE = "\x1b[2J\x9b31m\u202e\r\x07"
COMMANDS = [
    *(
        [name, "--format", form]
        for name in ("latest", "history", "status", "polls")
        for form in ("table", "csv", "json")
    ),
    ["evidence", "--at", "today"],
    ["check"],
]


@pytest.fixture
def hostile_store(tmp_path):
    """A store whose every text column holds terminal control sequences; two sources, one with real numbers."""
    now = datetime.now(UTC)
    store = Store(tmp_path / "parquet")
    hostile = replace(tick(observed_at=now), pair=f"KZT/USD{HOSTILE}", change_text=HOSTILE, evidence=HOSTILE)
    store.append([replace(hostile, source="nbk")])
    store.append([replace(hostile, rate_text=f"1{HOSTILE}")])
    store.record([Poll("timesca", now, Outcome.ERROR, detail=HOSTILE)])
    (tmp_path / "parquet" / ".lock").write_text(json.dumps({"pid": 1, "program": HOSTILE, "since": HOSTILE}))
    return tmp_path / "parquet"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_text_of_a_store_is_printed_without_terminal_control_sequences(hostile_store, monkeypatch, tmp_path, command):
    monkeypatch.chdir(tmp_path)
    if command[0] == "check":
        (hostile_store / "ticks" / f"x{HOSTILE}").write_text("")
    if command[0] == "history":
        command = [*command, "--source", "nbk"]

    shown = CliRunner().invoke(app, [*command, "--store", str(hostile_store)]).output

    assert "\N{REPLACEMENT CHARACTER}" in shown or "\\u" in shown or "\\x" in shown
    assert not {"\x1b", "\x9b", "\u202e", "\r", "\x07"} & {*shown}


def test_csv_keeps_the_spaces_of_a_number(tmp_path):
    Store(tmp_path / "parquet").append(
        [replace(snapshot_ticks()[0], rate=1234.5, rate_text="1\N{NO-BREAK SPACE}234.5")]
    )

    shown = CliRunner().invoke(app, ["latest", "--format", "csv", "--store", str(tmp_path / "parquet")]).output

    assert "1\N{NO-BREAK SPACE}234.5" in shown
