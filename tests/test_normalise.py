"""Checked ticks from printed ones: the text kept, the numbers beside it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from math import copysign

import pytest
from builders import NOON, TICKER, cases
from hypothesis import given
from hypothesis import strategies as st
from laws import law

import fxticker as fx
from fxticker.model.normalise import normalise
from fxticker.model.printed import InvalidNumber
from fxticker.model.records import Origin, PrintedTick, Snapshot, TimeBasis
from fxticker.simulation.captures import read_captures

CASES = cases("normalise")

SNAPSHOT = Snapshot(tuple(PrintedTick(*printed) for printed in TICKER), date(2025, 11, 14), 8)


def normalised(snapshot, observed_at=NOON):
    return normalise(
        snapshot, source="timesca", observed_at=observed_at, time_basis=TimeBasis.CLOCK, origin=Origin.LIVE
    )


def of_one(rate_text, change_text):
    (tick,) = normalised(Snapshot((PrintedTick("KZT/USD", rate_text, change_text),), None, 1))
    return tick


def test_comma_before_three_digits_is_read_only_if_the_source_prints_decimals_so():
    printed = (PrintedTick("USD/KGS", "87,420", None),)
    assert normalised(Snapshot(printed, None, 1, decimal_mark=","))[0].rate == 87.42
    with pytest.raises(InvalidNumber, match="thousands"):
        normalised(Snapshot(printed, None, 1))


def test_every_printed_tick_becomes_one_tick_in_page_order():
    ticks = normalised(SNAPSHOT)

    assert [(tick.pair, tick.rate, tick.rate_text, tick.change_pct, tick.change_text) for tick in ticks] == [
        ("KGS/USD", 0.01144, "0.01144", 0.0, "0%"),
        ("KZT/USD", 0.00191, "0.00191", 0.0, "-0%"),
        ("TJS/USD", 0.1084, "0.10840", 0.37, "0.37%"),
        ("UZS/USD", 0.00008, "0.00008", 0.0, "0%"),
        ("TMT/USD", 0.28571, "0.28571", 0.0, "0%"),
    ]


def test_every_tick_has_the_fields_of_the_snapshot():
    ticks = normalise(SNAPSHOT, source="mirror", observed_at=NOON, time_basis=TimeBasis.CAPTURE, origin=Origin.ARCHIVE)

    assert {
        (tick.source, tick.observed_at, tick.time_basis, tick.origin, tick.source_date, tick.nominal) for tick in ticks
    } == {("mirror", NOON, TimeBasis.CAPTURE, Origin.ARCHIVE, date(2025, 11, 14), 1)}


def test_page_without_a_date_gives_ticks_without_one():
    assert [tick.source_date for tick in normalised(replace(SNAPSHOT, source_date=None))] == [None] * 5


@pytest.mark.parametrize("text", ["-0%", "\u22120%", "-0.00%", "\u20130%"])
def test_fall_that_rounds_to_nothing_is_zero_without_a_sign(text):
    tick = of_one("0.00191", text)

    assert tick.change_pct == 0.0
    assert copysign(1, tick.change_pct) == 1
    assert tick.change_text == text


@pytest.mark.parametrize(("text", "change_pct"), [*CASES["change_is_the_printed_number"], (None, None)])
def test_change_is_the_printed_number_or_none(text, change_pct):
    tick = of_one("0.00191", text)

    assert tick.change_pct == change_pct
    assert tick.change_text == text


@pytest.mark.parametrize(("text", "rate"), CASES["rate_is_the_number_printed"])
def test_rate_is_the_number_printed(text, rate):
    tick = of_one(text, None)

    assert tick.rate == rate
    assert tick.rate_text == text


@given(st.from_regex(r"([1-9][0-9]{0,11}(\.[0-9]{1,12}|,[0-9]{4,12})?|0[0-9]{0,10}\.[0-9]{0,11}[1-9])", fullmatch=True))
@law(200)
def test_rate_is_the_double_nearest_to_the_printed_decimal(text):
    assert of_one(text, None).rate == float(text.replace(",", "."))


@pytest.mark.parametrize(("rate", "change"), [("0", "0%"), ("-1", None), ("x", None), ("1", "0"), ("1", "x%")])
def test_invalid_number_is_refused(rate, change):
    with pytest.raises(InvalidNumber):
        of_one(rate, change)


@pytest.mark.parametrize(
    "observed_at", [NOON.replace(tzinfo=None), NOON.astimezone(timezone(timedelta(hours=6)))], ids=["naive", "+06:00"]
)
def test_instant_that_is_not_utc_is_refused(observed_at):
    with pytest.raises(ValueError, match="observed_at must be an aware UTC datetime"):
        normalised(SNAPSHOT, observed_at)


def test_printed_text_is_unchanged_in_the_ticks():
    page = "KGS/USD = 0,01144 \u22120%\nKZT/USD = 0.00191 +1.30%\nTJS/USD = 0.10840\nUZS/USD = 0.00008 0.00 %\n"

    assert [(tick.rate_text, tick.change_text) for tick in normalised(fx.parse(page))] == [
        ("0,01144", "\u22120%"),
        ("0.00191", "+1.30%"),
        ("0.10840", None),
        ("0.00008", "0.00%"),
    ]


def test_no_capture_has_a_negative_zero():
    ticks = [
        tick
        for capture in read_captures()
        for tick in normalised(Snapshot(capture.ticks, capture.page_date, 8), datetime(2025, 1, 1, tzinfo=UTC))
    ]

    assert len(ticks) > 1000
    assert [tick for tick in ticks if tick.change_pct == 0 and copysign(1, tick.change_pct) < 0] == []
