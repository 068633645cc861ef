"""A move is reported if all that the digits allow lies beyond the threshold, once, and never for a hop of a peg."""

import json
from datetime import date, timedelta
from fractions import Fraction

import pytest
from builders import NOON, FixedClock, tick
from hypothesis import given
from hypothesis import strategies as st

from fxticker.daemon.state_file import StateFile
from fxticker.model.bands import rate_band
from fxticker.model.moves import RateRun, change_over, move_limit
from fxticker.model.pegs import is_hop
from fxticker.model.records import Origin, Outcome, Poll, Retraction
from fxticker.model.schedule import Every
from fxticker.monitoring.alert_filter import AlertFilter
from fxticker.monitoring.moves import Moves
from fxticker.sources.registry import ScheduledSource
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.read_runs import rates_shown, read_runs
from fxticker.store.read_span import Span
from fxticker.store.store import Store

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def shown(*rates):
    """Runs, each of a text and the hours after noon between which it was shown."""
    return [RateRun(text, 1, NOON + first * HOUR, NOON + last * HOUR) for text, first, last in rates]


def direction(limit, *rates, is_inverse=False):
    limit = move_limit(limit)
    return change_over(shown(*rates), limit.span, is_inverse=is_inverse).direction(limit)


# The threshold


def test_threshold_is_read_exactly():
    limit = move_limit(" 0.1 % in 36h ")
    assert (limit.pct, limit.span, limit.text) == (Fraction(1, 10), timedelta(hours=36), "0.1 % in 36h")


@pytest.mark.parametrize(
    "text",
    ["", "2%", "2 in 1d", "-2% in 1d", "0% in 1d", "0.00% in 1d", "2% in 0d", "2% in 40d", "2% in 1w", "1e3% in 1d"],
)
def test_other_texts_are_no_threshold(text):
    with pytest.raises(ValueError, match=r"must be a threshold|is no interval|more than 31 days"):
        move_limit(text)


@pytest.mark.parametrize(
    ("earlier", "later", "expected"),
    [
        ("0.00190", "0.00194", ""),  # 2.1 %, but the digits allow 1.6 to 2.6
        ("0.00190", "0.00195", "up"),  # 2.1 to 3.2 %
        ("0.00195", "0.00190", "down"),
        ("0.00008", "0.00009", ""),  # one step: 12.5 %, but the digits allow 0 to 27
        ("0.00008", "0.00010", "up"),  # 11.8 to 40 %
        ("100.0", "102.0", ""),
        ("100.0", "102.2", "up"),
    ],
)
def test_whole_band_has_to_lie_beyond_the_threshold(earlier, later, expected):
    assert direction("2% in 1d", (earlier, -30, -1), (later, 0, 0)) == expected


def test_inverse_pair_moves_the_other_way():
    assert direction("2% in 1d", ("0.00190", -30, -1), ("0.00195", 0, 0), is_inverse=True) == "down"


@given(st.integers(1, 9999), st.integers(1, 9999), st.integers(1, 300), st.fractions(0, 1), st.fractions(0, 1))
def test_reported_move_is_one_for_all_rates_that_print_alike(first, last, tenths, low, high):
    texts = [f"{number / 1000:.3f}" for number in (first, last)]
    found = direction(f"{tenths / 10}% in 1d", (texts[0], -30, -1), (texts[1], 0, 0))
    bands = [rate_band(text) for text in texts]
    start, end = (band.lo + part * (band.hi - band.lo) for band, part in zip(bands, (low, high), strict=True))
    pct = 100 * (end / start - 1)
    limit = Fraction(tenths, 10)
    assert {"up": pct > limit, "down": pct < -limit, "": True}[found]


# Which rates are compared


def compared(span, *rates):
    change = change_over(shown(*rates), span, is_inverse=False)
    return change.start.rate_text, change.end.rate_text


def test_newest_rate_is_compared_with_the_one_shown_a_span_before():
    rates = [("1.0", -60, -30), ("1.1", -29, -20), ("1.2", -19, 0)]
    assert compared(DAY, *rates) == ("1.1", "1.2")
    assert compared(30 * HOUR, *rates) == ("1.0", "1.2")
    assert compared(10 * HOUR, *rates) == ("1.2", "1.2")


def test_after_a_silence_longer_than_the_span_no_move_is_taken_for_one_in_it():
    assert compared(DAY, ("1.0", -90, -47), ("1.2", 0, 0)) == ("1.0", "1.2")
    assert compared(DAY, ("1.0", -90, -49), ("1.2", 0, 0)) == ("1.2", "1.2")
    assert compared(DAY, ("1.0", -90, -49), ("1.1", -3, -1), ("1.2", 0, 0)) == ("1.1", "1.2")


def test_change_since_the_first_tick_counts_before_a_span_has_passed():
    assert compared(DAY, ("1.0", -2, -1), ("1.2", 0, 0)) == ("1.0", "1.2")


def test_no_rate_is_no_change():
    assert change_over([], DAY, is_inverse=False) is None


# Pegs


@pytest.mark.parametrize(
    ("pair", "day", "text", "expected"),
    [
        ("TMT/USD", date(2025, 11, 14), "0.28490", True),
        ("USD/TMT", date(2025, 11, 14), "0.28490", True),
        ("TMT/USD", date(2025, 11, 14), "0.25000", False),  # never shown: a new peg, perhaps
        ("KZT/USD", date(2025, 11, 14), "0.28490", False),  # no peg
        ("TMT/USD", date(2008, 11, 14), "0.28490", False),  # no peg yet
    ],
)
def test_hop_is_a_rate_of_a_pegged_pair_that_was_shown_before(pair, day, text, expected):
    assert is_hop(pair, day, text, {"0.28490", "0.28571"}) is expected


# What is reported


class Watched:
    """Moves over a store whose polls show one pair, and what they report."""

    def __init__(self, folder, limits, at=NOON):
        self.folder = folder
        self.store = Store(folder / "store")
        self.clock = FixedClock(at)
        self.sent = []
        self.filter = AlertFilter(self._deliver, clock=self.clock, file=StateFile(folder, "alerts"))
        self.moves = Moves(
            self.filter, limits={pair: move_limit(text) for pair, text in limits.items()}, store=self.store
        )
        self.moves.started([ScheduledSource(SOURCE, Every(HOUR))])

    def _deliver(self, alert):
        self.sent.append(alert)
        self.filter.delivered(alert)

    def show(self, hour, rate_text, pair="KZT/USD", **changes):
        """What a poll at this hour after noon, which shows this rate, has reported."""
        at = self.clock.at = NOON + hour * HOUR
        self.store.append([tick(pair, rate_text, observed_at=at, **changes)])
        self.moves.polled(Poll("timesca", at, Outcome.OK, ticks=1))
        return self.beat()

    def beat(self):
        self.moves.beat(self.clock.at)
        self.filter.beat(self.clock.at)
        taken, self.sent[:] = [(alert.event, alert.pair, alert.cause) for alert in self.sent], []
        return taken


@pytest.fixture
def watched(tmp_path):
    return Watched(tmp_path, {"KZT/USD": "2% in 1d"})


UP = [("move", "KZT/USD", "up")]
DOWN = [("move", "KZT/USD", "down")]


def test_move_is_reported_once_and_again_after_it_fell_below_the_threshold(watched):
    assert watched.show(0, "0.00190") == []
    assert watched.show(1, "0.00195") == UP
    assert watched.show(2, "0.00196") == []
    assert watched.show(3, "0.00194") == []  # below it, perhaps: 1.6 to 2.6 %
    assert watched.show(4, "0.00195") == []
    assert watched.show(5, "0.00193") == []  # 1.6 %: armed again
    assert watched.show(6, "0.00195") == UP
    assert watched.show(31, "0.00195") == []  # for a day now
    assert watched.show(32, "0.00200") == UP


@pytest.mark.parametrize("table", ["ticks", "retractions"])
@pytest.mark.parametrize("name", ["00000.parquet~", "00007.parquet"])
def test_stray_or_damaged_file_silences_no_move(watched, table, name):
    assert watched.show(0, "0.00190") == []
    folder = watched.folder / "store" / table / "source=timesca" / "month=2025-11"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"no segment")
    assert watched.show(1, "0.00195") == UP


def test_move_that_turns_round_is_another_one(watched):
    assert [watched.show(0, "0.00190"), watched.show(1, "0.00195")] == [[], UP]
    assert watched.show(2, "0.00185") == DOWN
    assert watched.show(3, "0.00195") == UP


def test_restart_reports_no_move_again_and_one_that_was_not_delivered(tmp_path, watched):
    watched.show(0, "0.00190")
    assert watched.show(1, "0.00195") == UP
    again = Watched(tmp_path, {"KZT/USD": "2% in 1d"}, NOON + 2 * HOUR)
    assert again.beat() == []
    assert again.show(3, "0.00195") == []
    (tmp_path / "alerts.json").unlink()
    assert Watched(tmp_path, {"KZT/USD": "2% in 1d"}, NOON + 4 * HOUR).beat() == UP


def test_lasting_move_is_not_reported_again_each_day(tmp_path):
    watched = Watched(tmp_path, {"KZT/USD": "2% in 7d"})
    watched.show(0, "0.00190")
    assert watched.show(1, "0.00195") == UP
    assert watched.show(100, "0.00195") == []


def test_inverse_of_a_stored_pair_can_be_watched(tmp_path):
    watched = Watched(tmp_path, {"USD/KZT": "2% in 1d"})
    watched.show(0, "0.00190")
    assert watched.show(1, "0.00195") == [("move", "USD/KZT", "down")]


def test_hop_between_known_plateaus_of_a_peg_is_no_move_and_a_new_rate_is_one(tmp_path):
    watched = Watched(tmp_path, {"TMT/USD": "0.1% in 1h"})
    old = NOON - 900 * DAY
    watched.store.append([tick("TMT/USD", "0.28490", None, old, origin=Origin.ARCHIVE)])
    assert watched.show(0, "0.28571", "TMT/USD") == []
    assert watched.show(1, "0.28490", "TMT/USD") == []
    assert watched.show(2, "0.28571", "TMT/USD") == []
    assert watched.show(3, "0.25000", "TMT/USD") == [("move", "TMT/USD", "down")]
    assert watched.show(3.5, "0.25000", "TMT/USD") == []
    assert watched.show(4, "0.28571", "TMT/USD") == []


def test_rate_that_was_retracted_since_is_compared_with_no_more(watched):
    watched.show(0, "0.00190")
    assert watched.show(1, "0.00250") == UP
    Store(watched.folder / "store").retract([Retraction("timesca", "KZT/USD", NOON + HOUR, "0.00250", "-0%", 2, "x")])
    assert watched.show(2, "0.00190") == []
    assert watched.show(25.5, "0.00190") == []  # a day before the retracted rate was the last


def test_hop_to_a_rate_that_was_retracted_since_is_a_move(tmp_path):
    watched = Watched(tmp_path, {"TMT/USD": "0.1% in 1h"})
    misread = NOON - 20 * DAY
    watched.store.append([tick("TMT/USD", "0.25000", None, misread)])
    watched.show(0, "0.28571", "TMT/USD")
    assert watched.show(1, "0.25000", "TMT/USD") == []
    Store(watched.folder / "store").retract([Retraction("timesca", "TMT/USD", misread, "0.25000", None, 2, "x")])
    assert watched.show(1.5, "0.25000", "TMT/USD") == [("move", "TMT/USD", "down")]


def test_change_of_the_nominal_is_no_move(watched):
    watched.show(0, "0.19", nominal=100, rate=0.0019)
    assert watched.show(1, "1.90", nominal=1000, rate=0.0019) == []


def test_alert_says_what_moved(watched):
    watched.show(0, "0.00190")
    sent = []
    watched.filter._forward = sent.append
    watched.show(1, "0.00195")
    assert json.loads(sent[0].encoded()) | {"fxticker": ""} == {
        "event": "move",
        "source": "timesca",
        "pair": "KZT/USD",
        "since": "2025-11-14T13:00:00Z",
        "reason": "KZT/USD rose by 2.0 to 3.2 %, from 0.00190 at 2025-11-14T12:00:00Z to 0.00195 at "
        "2025-11-14T13:00:00Z (limit 2% in 1d)",
        "last_ok": None,
        "fxticker": "",
    }


def test_pair_that_no_source_shows_is_named_in_the_log_once(tmp_path, caplog):
    watched = Watched(tmp_path, {"KZT/USD": "2% in 1d", "KZT/EUR": "2% in 1d"})
    watched.show(0, "0.00190")
    watched.show(1, "0.00190")
    assert caplog.messages == ["alerts.on_move: no source has shown KZT/EUR yet"]


def test_clock_that_was_set_back_starts_over(watched):
    watched.show(50, "0.00200")
    assert watched.show(0, "0.00190") == []
    assert watched.show(1, "0.00195") == UP


def test_damaged_store_costs_a_line_in_the_log(watched, caplog):
    watched.show(0, "0.00190")
    [segment] = watched.folder.glob("store/ticks/**/*.parquet")
    segment.write_bytes(b"no segment")
    watched.moves.polled(Poll("timesca", NOON, Outcome.OK, ticks=1))
    assert watched.beat() == []
    assert "ticks/source=timesca/month=2025-11/00000.parquet is damaged" in caplog.text


# The reader


def test_runs_join_over_segments_and_months_and_leave_out_other_origins(tmp_path):
    store = Store(tmp_path, segment_rows=2)
    instants = [NOON + days * DAY for days in range(20)]
    texts = ["1.0", "1.0", "1.0", "1.1", "1.1", *["1.2"] * 14, "1.0"]
    for instant, text in zip(instants, texts, strict=True):
        store.append([tick("KZT/USD", text, None, instant), tick("KGS/USD", "9.0", None, instant)])
    store.append([tick("KZT/USD", "5.0", None, NOON + HOUR, origin=Origin.PAGE)])
    runs = read_runs(store, "timesca", ["KZT/USD"], Span(NOON, NOON + 19 * DAY + HOUR))
    assert runs == {
        "KZT/USD": [
            RateRun(text, 1, instants[first], instants[last])
            for text, first, last in (("1.0", 0, 2), ("1.1", 3, 4), ("1.2", 5, 18), ("1.0", 19, 19))
        ]
    }
    assert rates_shown(store, "timesca", "KZT/USD", instants[5]) == {"1.0", "1.1", "5.0"}
    assert read_runs(store, "cbu", ["KZT/USD"], Span(NOON, None)) == {}
