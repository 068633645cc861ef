"""Outcomes as of an instant: what was on record by then, in functions and commands."""

from datetime import timedelta

import pandas as pd
import pyarrow as pa
import pytest
from builders import NOON, FixedClock, snapshot_ticks
from click.testing import CliRunner

import fxticker as fx
from fxticker.cli import app
from fxticker.model.records import Outcome, Poll
from fxticker.store.ahead import forget
from fxticker.store.polls_by import polls_by
from fxticker.store.store import Store

QUARTER, HOUR = timedelta(minutes=15), timedelta(hours=1)


def _polls(count, outcome=Outcome.OK, first=NOON):
    return [Poll("timesca", first + QUARTER * number, outcome) for number in range(count)]


@pytest.fixture
def late(root):
    """Two outcomes recorded at their slots, and two `missed` ones recorded two hours after the first."""
    clock = FixedClock(NOON)
    store = Store(root, clock=clock)
    store.append(snapshot_ticks(NOON))
    for poll in _polls(2):
        clock.at = poll.slot
        store.record([poll])
    clock.at = NOON + 2 * HOUR
    store.record(_polls(2, Outcome.MISSED, NOON + 2 * QUARTER))
    return store


def test_polls_as_of_an_instant_are_those_recorded_by_then(late):
    assert len(fx.load_polls(late, as_of=NOON - QUARTER)) == 0
    assert len(fx.load_polls(late, as_of=NOON)) == 1  # the instant is included
    assert fx.load_polls(late, as_of=NOON + 2 * HOUR - QUARTER)["outcome"].tolist() == ["ok", "ok"]
    assert fx.load_polls(late, as_of="2025-11-14").equals(fx.load_polls(late))


def test_outcomes_of_version_1_count_from_their_slots_on(late):
    rows = late.polls.open(next(iter(late.polls.segments()))).read()
    place = rows.schema.get_field_index("recorded_at")
    old = rows.set_column(place, rows.schema.field(place), pa.nulls(rows.num_rows, rows.schema.types[place]))
    assert [polls_by(old, NOON + minutes * QUARTER).num_rows for minutes in range(-1, 5)] == [0, 1, 2, 3, 4, 4]
    mixed = pa.concat_tables([old.slice(0, 3), rows.slice(3)])
    assert polls_by(mixed, NOON + 3 * QUARTER).num_rows == 3


def test_gaps_and_coverage_as_of_an_instant_know_nothing_later(late):
    end = NOON + 5 * QUARTER
    assert fx.gaps(late, end=end)["why"].tolist() == ["missed x 2"]
    by = NOON + HOUR - QUARTER
    assert len(fx.gaps(late, end=end, as_of=by)) == 0
    assert len(fx.gaps(late, start=NOON, as_of=NOON - HOUR)) == 0
    [silence] = fx.gaps(late, end="2025-12-31", as_of=NOON + HOUR + QUARTER).itertuples()
    assert (silence.start_at, silence.why) == (NOON + QUARTER, "nothing is on record")
    for polls in (late, fx.load_polls(late)):
        assert fx.coverage(polls, "day", as_of=by)["slots"].tolist() == [2]
    assert fx.resample(late, "day", pairs=["KZT/USD"], as_of=by)["coverage"].tolist() == [1.0]
    assert fx.resample(late, "day", pairs=["KZT/USD"])["coverage"].tolist() == [0.5]


@pytest.mark.parametrize("command", ["polls", "coverage"])
def test_commands_of_polls_take_the_instant(late, command):
    arguments = [command, "--store", str(late.backend), "--format", "csv", "--as-of", "2025-11-14T12:45Z"]
    printed = CliRunner().invoke(app, arguments)
    assert printed.exit_code == 0, printed.output
    assert "missed" not in printed.output
    assert "missed" in CliRunner().invoke(app, arguments[:-2]).output


def test_chart_as_of_an_instant_has_the_polls_of_then(late, tmp_path):
    from fxticker.charts import plot_history

    by = {"as_of": NOON + HOUR - QUARTER}
    figure = plot_history(fx.load(late, **by), polls=fx.load_polls(late, **by))
    assert "2 of 2 polls successful" in figure.get_supxlabel().replace("\n", " ")
    file = tmp_path / "history.svg"
    arguments = ["plot", "history", "--store", str(late.backend), "-o", str(file), "--as-of", "2025-11-14T12:45Z"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert file.stat().st_size > 1_000


def test_outcome_that_was_forgotten_counts_as_of_no_instant(late):
    """A clock that was ahead stamped it later than its removal; the outcome that replaced it is stamped rightly."""
    ahead, now = NOON + 40 * HOUR, NOON + 3 * HOUR
    wrong = Store(late.backend, clock=FixedClock(ahead))
    wrong.record(_polls(4, Outcome.MISSED, NOON + 4 * HOUR))
    before = {by: fx.load_polls(late, as_of=by) for by in (NOON, NOON + HOUR, now)}
    forget(late, now, now)
    for by, polls in before.items():
        pd.testing.assert_frame_equal(fx.load_polls(late, as_of=by), polls)
    clock = FixedClock(NOON + 5 * HOUR)
    Store(late.backend, clock=clock).record(_polls(4, Outcome.OK, NOON + 4 * HOUR))
    for by, polls in before.items():
        pd.testing.assert_frame_equal(fx.load_polls(late, as_of=by), polls)
    assert fx.load_polls(late, as_of=ahead)["outcome"].tolist() == ["ok"] * 2 + ["missed"] * 2 + ["ok"] * 4
