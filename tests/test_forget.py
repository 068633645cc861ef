"""`forget` sets aside what lies ahead and nothing else, whatever fails; `check` and `status` name it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree

import pyarrow.parquet as pq
import pytest
from builders import NOON, FixedClock, snapshot_ticks, tick
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from laws import law, steps
from store_faults import FaultyCalls

import fxticker as fx
from fxticker.cli import app
from fxticker.errors import StoreError, StoreLocked
from fxticker.model.records import Origin, Outcome, Poll, Retraction, TimeBasis
from fxticker.model.schedule import Cron, Every, every
from fxticker.store.ahead import forget, rows_ahead, summed
from fxticker.store.local import LocalStorage
from fxticker.store.open_slots import next_open_slot
from fxticker.store.recorded_ahead import recorded_ahead
from fxticker.store.store import Store

QUARTER = timedelta(minutes=15)
STEPS = steps(121, every=16)
"""Numbers of the system call that fails; the last one is beyond the end."""


def filled(root, calls=None, segment_rows=8):
    """A store with ten polls before and at noon and twenty after it, and ticks of each; most segments are sealed."""
    backend = LocalStorage(root, calls) if calls else root
    store = Store(backend, clock=FixedClock(NOON), segment_rows=segment_rows)
    slots = [NOON + number * 40 * QUARTER for number in range(-9, 21)]
    store.append([row for slot in slots for row in snapshot_ticks(slot)])
    store.record([Poll("timesca", slot, Outcome.OK, ticks=5) for slot in slots])
    return store


def contents(root):
    store = Store(root)
    slots = [slot.to_pydatetime() for slot in fx.load_polls(store)["slot"]]
    ticks = fx.load(store)
    return slots, list(zip(ticks["observed_at"], ticks["pair"], ticks["rate_text"], strict=True))


def set_aside(root):
    """Rows in the quarantine by table."""
    rows = {"polls": 0, "ticks": 0}
    for file in (root / "quarantine").rglob("*.parquet"):
        rows[file.relative_to(root / "quarantine").parts[0]] += pq.read_metadata(file).num_rows
    return rows


def test_rows_later_than_the_instant_are_removed_and_nothing_else(root):
    store = filled(root)
    slots, ticks = contents(root)
    forget(store, NOON, NOON)
    kept_slots, kept_ticks = contents(root)
    assert kept_slots == [slot for slot in slots if slot <= NOON]
    assert kept_ticks == [row for row in ticks if row[0] <= NOON]
    assert (len(kept_slots), len(kept_ticks)) == (10, 50)
    assert Store(root).check() == []
    assert set_aside(root) == {"polls": 20, "ticks": 100}


def test_segments_without_such_rows_are_not_touched(root):
    store = filled(root)
    before = {path: path.stat().st_mtime_ns for path in root.glob("*/source=*/month=*/*.parquet")}
    forget(store, NOON + 4000 * QUARTER, NOON)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_each_removed_part_has_a_note(root):
    forget(filled(root), NOON, NOON)
    parts = [*(root / "quarantine").rglob("*.parquet")]
    for part in parts:
        note = json.loads(part.with_name(f"{part.name}.json").read_text())
        assert note["name"] == str(part.relative_to(root / "quarantine"))
        assert note["lost"].startswith(f"{pq.read_metadata(part).num_rows} ")
    assert len(parts) == len({item.name for item in rows_ahead(filled(root.parent / "again"), NOON)})


def test_removed_rows_can_be_appended_again(root):
    store = filled(root)
    _, ticks = contents(root)
    forget(store, NOON, NOON)
    for number in range(1, 21):
        store.append(snapshot_ticks(NOON + number * 40 * QUARTER))
    assert contents(root)[1] == ticks
    assert Store(root).check() == []


def test_polling_goes_on_at_the_slots_that_were_removed(root):
    store = Store(root)
    grid = Every(QUARTER)
    store.record([Poll("timesca", NOON + number * QUARTER, Outcome.MISSED) for number in range(5000)])
    assert next_open_slot(store.polls, "timesca", grid, NOON) == NOON + 5000 * QUARTER
    forget(store, NOON, NOON)
    assert next_open_slot(store.polls, "timesca", grid, NOON) == NOON + QUARTER


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The store of `filled`, written once."""
    folder = tmp_path_factory.mktemp("built") / "parquet"
    filled(folder, segment_rows=80)
    return folder, *contents(folder)


@pytest.mark.parametrize("grid", [Every(QUARTER), Cron("*/15 * * * *")], ids=["interval", "cron"])
@given(numbers=st.sets(st.integers(1, 5000)), later=st.integers(0, 4000), off=st.sets(st.integers(1, 4_000_000)))
@law(15)
def test_next_open_slot_is_the_first_without_an_outcome(tmp_path_factory, grid, numbers, later, off):
    """Slots of an earlier grid, and those of manual polls, are none of this one's."""
    store = Store(tmp_path_factory.mktemp("open") / "parquet")
    run = {*range(1, min(numbers, default=1)), *numbers}
    slots = {NOON + number * QUARTER for number in run} | {NOON + timedelta(seconds=second) for second in off}
    store.record([Poll("timesca", slot, Outcome.MISSED) for slot in slots])
    now = NOON + later * QUARTER
    expected = grid.after(now)
    while expected in slots:
        expected += QUARTER
    assert next_open_slot(store.polls, "timesca", grid, now) == expected


@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_fault_at_any_step_loses_no_row_and_a_repeated_call_goes_on(root, built, step, lasting):
    folder, slots, ticks = built
    copytree(folder, root)
    calls = FaultyCalls()
    store = Store(LocalStorage(root, calls))
    calls.fail(step, OSError(28, "No space left on device"), lasting=lasting)
    try:
        forget(store, NOON, NOON)
    except StoreError:
        pass
    else:
        assert step >= STEPS[-1]
    calls.heal()
    assert {slot for slot in slots if slot <= NOON} <= {*contents(root)[0]}
    aside = set_aside(root)
    assert aside["polls"] + len(contents(root)[0]) >= len(slots)
    assert aside["ticks"] + len(contents(root)[1]) >= len(ticks)
    assert [finding for finding in Store(root).check() if "quarantine" not in finding.name] == []
    forget(Store(root), NOON, NOON)
    assert (len(contents(root)[0]), len(contents(root)[1])) == (10, 50)
    assert set_aside(root) == {"polls": 20, "ticks": 100}
    assert Store(root).check() == []


def test_date_only_ticks_of_tomorrow_are_not_ahead(root):
    store = Store(root)
    midnight = NOON.replace(hour=0)
    dated = {"origin": Origin.ARCHIVE, "time_basis": TimeBasis.DATE}
    store.append([tick(observed_at=midnight + timedelta(days=days), **dated) for days in (0, 1, 2)])
    assert [item.first for item in rows_ahead(store, NOON)] == [midnight + timedelta(days=2)]


def test_damaged_note_or_foreign_file_in_the_quarantine_is_not_replaced(root):
    store = filled(root)
    [first, *_] = rows_ahead(store, NOON)
    old = root / "quarantine" / first.name
    old.parent.mkdir(parents=True)
    old.write_bytes(b"an older one")
    forget(store, NOON, NOON)
    assert old.read_bytes() == b"an older one"
    assert old.with_name(f"{old.name}.1").exists()


@law(25)
@given(st.lists(st.integers(-5000, 5000), min_size=1, max_size=60, unique=True), st.integers(-6000, 6000))
def test_law_of_forgetting(tmp_path_factory, minutes, limit):
    """What is kept and what is removed are the two parts of what was there."""
    root = tmp_path_factory.mktemp("law") / "parquet"
    store = Store(root, segment_rows=7)
    for minute in minutes:
        store.record([Poll("timesca", NOON + timedelta(minutes=minute), Outcome.MISSED)])
    after = NOON + timedelta(minutes=limit)
    removed = forget(store, after, NOON)
    kept = [*store.planned_slots("timesca", datetime(9999, 1, 1, tzinfo=UTC))]
    assert sorted(kept) == sorted(NOON + timedelta(minutes=m) for m in minutes if m <= limit)
    assert sum(item.rows for item in removed) == sum(m > limit for m in minutes)
    assert store.check() == []


# The commands


def now_and_then(root, days=3):
    """A store with an outcome of an hour ago, and those of some days to come of a minute's grid."""
    now = datetime.now(UTC)
    grid = every("1min", "timesca")
    store = Store(root)
    current = grid.at_or_before(now)
    store.record([Poll("timesca", current - timedelta(hours=1), Outcome.OK)])
    ahead = [current + number * timedelta(minutes=1) for number in range(5, days * 1440)]
    store.record([Poll("timesca", slot, Outcome.MISSED) for slot in ahead])
    store.append(snapshot_ticks(ahead[0]))
    return now, ahead


def invoke(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def test_forget_without_yes_counts_and_changes_nothing(root):
    now, ahead = now_and_then(root)
    files = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    code, text = invoke("forget", "--store", root, "--after", f"{now + timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}")
    assert code == 0
    assert f"{len(ahead):,} outcomes of timesca from {ahead[0]:%Y-%m-%dT%H:%M:%SZ}" in text
    assert "5 ticks of timesca" in text
    assert "nothing was removed" in text
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == files


def test_forget_with_yes_removes_and_a_second_time_finds_nothing(root):
    now_and_then(root)
    instant = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    assert invoke("forget", "--store", root, "--after", instant, "--yes")[0] == 0
    assert len(fx.load_polls(root)) == 1
    code, text = invoke("forget", "--store", root, "--after", instant, "--yes")
    assert (code, "nothing is later than" in text) == (0, True)
    assert invoke("check", "--store", root)[0] == 0


def test_what_has_passed_is_never_removed(root):
    now_and_then(root)
    code, text = invoke("forget", "--store", root, "--after", "2020-01-01", "--yes")
    assert (code, "what has passed is never removed" in text) == (0, True)
    assert len(fx.load_polls(root)) == 1


def test_date_means_that_whole_day(root):
    now, _ = now_and_then(root, days=1)
    day_after_tomorrow = (now + timedelta(days=2)).date()
    assert "nothing is later than" in invoke("forget", "--store", root, "--after", day_after_tomorrow)[1]


@pytest.mark.parametrize("flags", [[], ["--yes"]])
def test_forget_refuses_while_a_daemon_runs(root, flags):
    now_and_then(root)
    count = len(fx.load_polls(root))
    with Store(root).daemon_lock():
        result = CliRunner().invoke(app, ["forget", "--store", str(root), "--after", "2020-01-01", *flags])
    assert isinstance(result.exception, StoreLocked)
    assert len(fx.load_polls(root)) == count


def test_forget_takes_the_daemons_lock_itself(root):
    store = filled(root)
    with Store(root).daemon_lock(), pytest.raises(StoreLocked):
        forget(store, NOON, NOON)
    assert len(contents(root)[0]) == 30


@pytest.mark.parametrize("arguments", [[], ["--after", "soon"]])
def test_forget_without_an_instant_is_wrong_usage(root, arguments):
    now_and_then(root)
    assert invoke("forget", "--store", root, *arguments)[0] == 2


def test_check_names_rows_ahead(root):
    _, ahead = now_and_then(root)
    code, text = invoke("check", "--store", root)
    assert code == 1
    assert f"polls/source=timesca: {len(ahead):,} outcomes of timesca from" in text
    assert "ticks/source=timesca: 5 ticks of timesca" in text
    assert "`fxticker forget`" in text


def test_status_names_rows_ahead_and_the_slot_that_will_be_polled(root, written):
    _, ahead = now_and_then(root)
    config = written(f'[store]\npath = "{root}"\n[sources.timesca]\nevery = "1min"\n')
    code, text = invoke("status", "--config", config)
    assert code == 1
    assert f"{len(ahead):,} outcomes of timesca" in text
    facts = json.loads(invoke("status", "--config", config, "--format", "json")[1])
    assert [(item["table"], item["rows"]) for item in facts["ahead"]] == [("polls", len(ahead)), ("ticks", 5)]
    assert facts["well"] is False
    planned = datetime.fromisoformat(facts["sources"][0]["next_slot"])
    assert planned <= ahead[0]  # there are five open slots before the recorded ones


# Rows of the past that were written by a clock that was ahead


def written_by_a_clock_ahead(root, now):
    """A store with a sound tick and outcome, and an hour earlier those that were written by a clock that was ahead."""
    for at, ahead in ((now, timedelta(0)), (now - timedelta(hours=1), timedelta(days=400))):
        store = Store(root, clock=FixedClock(at + ahead))
        store.append([tick(observed_at=at)])
        store.record([Poll("timesca", at, Outcome.OK, started_at=at + ahead, ticks=1)])
        store.retract([retraction(at)])
    return now - timedelta(hours=1) + timedelta(days=400)


def retraction(at):
    return Retraction("timesca", "KZT/USD", at, "0.00191", "0%", parser_version=1, reason="misread")


def test_each_column_is_searched_for_instants_ahead(root):
    ahead = written_by_a_clock_ahead(root, NOON)
    columns = [("ticks", "recorded_at"), ("polls", "started_at"), ("polls", "recorded_at")]
    found = recorded_ahead(Store(root), NOON + QUARTER)
    assert [(item.table, item.column, item.rows, item.last) for item in found] == [
        *((*place, 1, ahead) for place in columns),
        ("retractions", "retracted_at", 1, ahead),
    ]
    assert rows_ahead(Store(root), NOON + QUARTER) == []
    assert recorded_ahead(Store(root), ahead) == []
    assert recorded_ahead(Store(root), NOON + QUARTER, since_month="2025-12") == []


def test_rows_that_are_ahead_themselves_are_not_named_twice(root):
    filled(root)
    assert recorded_ahead(Store(root), NOON - timedelta(days=30)) == []


def test_rows_of_version_0_1_0_do_not_say_when_they_were_recorded(root):
    copytree(Path(__file__).parent / "payloads" / "store_0.1.0", root)
    assert recorded_ahead(Store(root), datetime(2099, 1, 1, tzinfo=UTC)) == []


def test_check_and_status_name_rows_that_were_written_by_a_clock_ahead_and_stay_good(root, written):
    now = datetime.now(UTC) - timedelta(minutes=1)
    written_by_a_clock_ahead(root, now)
    line = "ticks/source=timesca: 1 rows were written by a clock that was ahead: their recorded_at is later than now"
    assert [invoke("check", "--store", root)[0], line in invoke("check", "--store", root)[1]] == [0, True]
    config = written(f'[store]\npath = "{root}"\n[sources.timesca]\nevery = "1min"\n')
    assert line in invoke("status", "--config", config)[1]


def test_sound_store_has_no_rows_ahead(root):
    store = Store(root)
    store.record([Poll("timesca", NOON, Outcome.OK)])
    assert rows_ahead(store, datetime.now(UTC)) == []
    assert summed([]) == []
