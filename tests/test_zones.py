"""Time zones: whose day a day is, for periods, closes, lookups, tables and charts; the store stays in UTC."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from builders import NOON, tick
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from true_rates import frame_of, shown

import fxticker as fx
from fxticker.cli import app
from fxticker.model.records import Origin, Outcome, Poll, TimeBasis

TASHKENT = "Asia/Tashkent"
EVENING = datetime(2025, 11, 13, 20, tzinfo=UTC)
"""01:00 of the next day in Tashkent, a Friday."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def ticks():
    """Three of the 14th in Tashkent, the first of them of the 13th in UTC; and one of the 15th."""
    texts = ("0.10840", "0.10850", "0.10860", "0.10870")
    at = (EVENING, NOON, NOON + 6 * HOUR, NOON + 8 * HOUR)
    return frame_of([shown("TJS/USD", text, instant) for text, instant in zip(texts, at, strict=True)])


def test_day_of_a_zone_begins_at_its_midnight(ticks):
    day = {"start": "2025-11-14", "end": date(2025, 11, 14)}
    assert fx.quotes(ticks, **day)["rate_text"].tolist() == ["0.10850", "0.10860", "0.10870"]
    local = fx.quotes(ticks, **day, tz=TASHKENT)
    assert local["rate_text"].tolist() == ["0.10840", "0.10850", "0.10860"]
    assert str(local["observed_at"].dt.tz) == TASHKENT
    assert local["observed_at"].tolist()[0] == EVENING


def test_store_and_frame_have_the_same_days(store):
    store.append([tick("TJS/USD", "0.10840", observed_at=EVENING), tick("TJS/USD", "0.10850", observed_at=NOON)])
    for day, count in (("2025-11-13", 0), ("2025-11-14", 2)):
        selection = {"start": day, "end": day, "tz": TASHKENT}
        assert len(fx.load(store, **selection)) == len(fx.quotes(fx.load(store), **selection)) == count
        assert len(fx.wide(store, **selection)) == count


def test_closes_are_those_of_the_zones_days(ticks):
    utc, local = (fx.resample(ticks, "day", tz=tz) for tz in ("UTC", TASHKENT))
    assert utc["close"].tolist() == [0.1084, 0.1087]
    assert local["close"].tolist() == [0.1086, 0.1087]
    assert [str(begin) for begin in local["start_at"]] == ["2025-11-14 00:00:00+05:00", "2025-11-15 00:00:00+05:00"]
    week = fx.resample(ticks, "week", tz=TASHKENT)
    assert [str(begin) for begin in week["start_at"]] == ["2025-11-10 00:00:00+05:00"]
    [_, moved] = fx.drift_by_period(ticks, "day", tz=TASHKENT).itertuples()
    assert (moved.from_at, moved.to_at) == (NOON + 6 * HOUR, NOON + 8 * HOUR)
    assert (moved.start_age_h, moved.end_age_h) == (1, 23)


def test_lookup_as_of_a_day_is_its_end_in_the_zone(ticks):
    ends = {"start": "2025-11-13", "end": "2025-11-14"}
    utc = fx.drift(ticks, **ends)
    assert (utc["rate_text_start"][0], utc["rate_text_end"][0]) == ("0.10840", "0.10870")
    with pytest.raises(fx.NoData, match="by 2025-11-13 18:59 UTC"):
        fx.drift(ticks, **ends, tz=TASHKENT)
    assert fx.convert(ticks, 1, "TJS", "USD", at="2025-11-14", tz=TASHKENT).legs[0].rate_text == "0.10860"
    assert fx.best(ticks, "TJS/USD", at="2025-11-14", tz=TASHKENT).at == NOON + 6 * HOUR


def test_printed_date_is_that_day_in_every_zone():
    dated = frame_of([shown("TJS/USD", "0.10840", datetime(2025, 11, 14, tzinfo=UTC), time_basis=TimeBasis.DATE)])
    for tz in ("UTC", TASHKENT, "America/New_York"):
        [row] = fx.resample(dated, "day", tz=tz).itertuples()
        assert row.start_at.date() == date(2025, 11, 14)
        assert fx.convert(dated, 1, "TJS", "USD", at="2025-11-14", tz=tz).legs[0].rate_text == "0.10840"


@pytest.fixture
def banks_week():
    """Rates of the 13th to the 15th, of which only the date is known."""

    def bank(text, day):
        basis = {"time_basis": TimeBasis.DATE, "source_date": date(2025, 11, day)}
        return shown("USD/TJS", text, datetime(2025, 11, day, tzinfo=UTC), source="nbt", **basis)

    return [bank("9.2000", 13), bank("9.3000", 14), bank("9.4000", 15)]


@pytest.mark.parametrize("tz", ["UTC", TASHKENT, "America/New_York", "Pacific/Kiritimati"])
def test_span_of_a_day_has_the_rates_of_its_date_in_every_zone(store, banks_week, tz):
    store.append(banks_week)
    day = {"start": "2025-11-14", "end": "2025-11-14", "tz": tz}
    stated = date(2025, 11, 14)
    for ticks in (store, frame_of(banks_week)):
        for sources in ("nbt", "rate"):
            found = fx.quotes(ticks, pairs=["USD/TJS"], sources=sources, **day)
            assert found["rate"].tolist() == [9.3]
        [row] = fx.resample(ticks, "day", pairs=["USD/TJS"], **day).itertuples()
        assert (row.start_at.date(), row.close_at.date(), row.close) == (stated, stated, 9.3)
    assert fx.load(store, columns=["rate"], **day)["rate"].tolist() == [9.3]
    instant = pd.Timestamp("2025-11-14", tz=tz)
    assert fx.wide(store, **day).index.tolist() == [instant]
    parts = [fx.load(store, tz=tz, **ends)["rate"].tolist() for ends in ({"end": instant}, {"start": instant})]
    assert parts == [[9.2], [9.3, 9.4]]


def test_span_reads_the_month_that_has_its_dates(store):
    first = datetime(2025, 11, 1, tzinfo=UTC)
    texts = ("9.2000", "9.3000", "9.4000")
    days = (first - DAY, first, first + DAY)
    basis = {"source": "nbt", "time_basis": TimeBasis.DATE}
    store.append([tick("USD/TJS", text, None, day, **basis) for text, day in zip(texts, days, strict=True)])
    for tz in (TASHKENT, "America/New_York"):
        for day, rate in (("2025-10-31", 9.2), ("2025-11-01", 9.3)):
            assert fx.load(store, start=day, end=day, tz=tz)["rate"].tolist() == [rate]


def test_date_and_instant_at_one_midnight_are_one_row_of_a_wide_frame(store):
    midnight = datetime(2025, 11, 13, 19, tzinfo=UTC)
    dated = tick("TJS/USD", "0.10850", None, datetime(2025, 11, 14, tzinfo=UTC), time_basis=TimeBasis.DATE)
    store.append([tick("TJS/USD", "0.10840", None, midnight), dated])
    assert fx.wide(store, tz=TASHKENT)["TJS/USD"].to_dict() == {pd.Timestamp(midnight): 0.1084}


def test_day_without_midnight_has_the_rate_of_its_date():
    """On 2026-04-24 clocks in Cairo go from 00:00 to 01:00."""
    day = datetime(2026, 4, 24, tzinfo=UTC)
    dated = frame_of([shown("TJS/USD", "0.10840", day, time_basis=TimeBasis.DATE)])
    for asked, count in (("2026-04-23", 0), ("2026-04-24", 1)):
        assert len(fx.quotes(dated, start=asked, end=asked, tz="Africa/Cairo")) == count


@pytest.mark.parametrize("tz", ["UTC", TASHKENT, "America/New_York"])
def test_derived_frames_have_the_midnight_of_a_date(banks_week, tz):
    dated = frame_of(banks_week)
    days = [pd.Timestamp(2025, 11, day, tz=tz) for day in (13, 14, 15)]
    changed = fx.changes(dated, tz=tz)
    assert changed["first_at"].tolist() == changed["last_at"].tolist() == days
    assert fx.peg(frame_of([replace(banks_week[0], pair="USD/TMT")]), tz=tz)["observed_at"].tolist() == days[:1]
    seen = fx.decode(frame_of([replace(row, source="timesca") for row in banks_week]), tz=tz)
    assert (seen["observed_at"].tolist(), seen["seen_from_at"].tolist()[1:]) == (days, days[:2])
    for sources in ("nbt", "rate"):
        asked = {"pairs": ["USD/TJS"], "sources": sources, "tz": tz}
        path = fx.drift_series(dated, base="2025-11-13", **asked)
        assert (path["observed_at"].tolist(), path["base_at"].tolist()) == (days, days[:1] * 3)
        [moved] = fx.drift(dated, start="2025-11-13", end="2025-11-15", **asked).itertuples()
        assert [moved.start_at, moved.end_at, moved.base_at] == [days[0], days[2], days[0]]
        closes = fx.drift_by_period(dated, "day", **asked)
        assert (closes["from_at"].tolist()[1:], closes["to_at"].tolist()) == (days[:2], days)
        assert fx.resample(dated, "day", **asked)["close_at"].tolist() == days


@pytest.mark.parametrize("tz", [TASHKENT, "America/New_York"])
def test_tables_of_derived_rates_show_dates_without_a_time(store, banks_week, tmp_path, tz):
    store.append(banks_week)
    span, daily = "--start 2025-11-13 --end 2025-11-15", "--every day"
    for command in ("changes", f"drift {span}", "drift-series", f"drift-by-period {daily}", f"resample {daily}"):
        asked = f"{command} --tz {tz} --source nbt --pair USD/TJS --store {tmp_path / 'parquet'}"
        table = CliRunner().invoke(app, asked).stdout
        assert [text in table for text in ("2025-11-15", "2025-11-12", "05:00", "19:00")] == [True, *3 * [False]]


@pytest.mark.parametrize("tz", ["UTC", TASHKENT, "America/New_York", "Pacific/Kiritimati"])
def test_official_rate_answers_for_its_value_date_in_every_zone(banks_week, tz):
    dated = frame_of(banks_week)
    day = {"at": "2025-11-14", "tz": tz}
    [row] = fx.rate(dated, "USD/TJS", **day).itertuples()
    assert (row.rate, row.value_date.date()) == (9.3, date(2025, 11, 14))
    assert fx.convert(dated, 1, "USD", "TJS", **day).legs[0].rate_text == "9.3000"
    assert fx.best(dated, "USD/TJS", **day).at == datetime(2025, 11, 14, tzinfo=UTC)
    series = fx.rate(dated, "USD/TJS", start="2025-11-13", end="2025-11-15", tz=tz)
    assert series["rate"].tolist() == [9.2, 9.3, 9.4]
    ends = {"start": "2025-11-13", "end": "2025-11-14", "tz": tz}
    named, ordered = (fx.drift(dated, sources=source, **ends) for source in ("nbt", "rate"))
    assert named["drift_pct"].tolist() == ordered["drift_pct"].tolist()


def test_first_official_rate_of_the_next_day_answers_for_none_before_it():
    at = datetime(2025, 11, 14, tzinfo=UTC)
    basis = {"time_basis": TimeBasis.DATE, "source_date": date(2025, 11, 14)}
    dated = frame_of([shown("USD/TJS", "9.3000", at, source="nbt", **basis)])
    for ask in (fx.rate, fx.best):
        with pytest.raises(fx.NoData, match="the first one after that is of 2025-11-14"):
            ask(dated, "USD/TJS", at="2025-11-13", tz="America/New_York")


def test_polls_are_counted_by_days_of_the_zone(store):
    slots = [EVENING, NOON, NOON + 8 * HOUR]
    store.record([Poll("timesca", slot, Outcome.OK) for slot in slots])
    assert fx.coverage(store, "day")["slots"].tolist() == [1, 2]
    local = fx.coverage(store, "day", tz=TASHKENT)
    assert local["slots"].tolist() == [2, 1]
    assert [str(begin) for begin in local["start_at"]] == ["2025-11-14 00:00:00+05:00", "2025-11-15 00:00:00+05:00"]
    assert "of 2 days" in fx.plot_coverage(fx.load_polls(store, tz=TASHKENT)).get_suptitle()


def test_comparison_is_by_days_of_the_zone():
    official = {"source": "nbt", "time_basis": TimeBasis.DATE, "source_date": date(2025, 11, 14)}
    bank = shown("USD/TJS", "9.2251", datetime(2025, 11, 14, tzinfo=UTC), **official)
    frame = frame_of([shown("TJS/USD", "0.10840", EVENING), bank])
    with pytest.raises(fx.NoData):
        fx.compare(frame)
    [row] = fx.compare(frame, tz=TASHKENT).itertuples()
    assert (str(row.day), str(row.official_at)) == ("2025-11-14 00:00:00+05:00",) * 2
    assert row.official_age_h == 0


@pytest.mark.parametrize("tz", ["UTC", TASHKENT, "America/New_York"])
def test_charts_show_dates_at_their_midnights(banks_week, tz):
    figure = fx.plot_history(fx.quotes(frame_of(banks_week), tz=tz))
    assert "2025-11-13 to 2025-11-15" in figure.get_suptitle()


def test_charts_show_the_clock_of_their_frame(ticks):
    figure = fx.plot_history(fx.quotes(ticks, end="2025-11-14", tz=TASHKENT))
    assert figure.get_suptitle().endswith(", 2025-11-14 01:00 to 23:00")
    assert "3 values on 1 of 1 day, Asia/Tashkent" in figure.get_supxlabel()
    assert figure.axes[0].xaxis.get_major_formatter()._tz == ZoneInfo(TASHKENT)
    assert "Asia/Tashkent" in fx.plot_path(fx.drift_series(ticks, tz=TASHKENT)).get_supxlabel()


def test_unknown_zone_is_refused(ticks):
    for tz in ("Asia/Nowhere", "", "../etc/passwd"):
        with pytest.raises(ValueError, match="is no time zone such as Asia/Tashkent"):
            fx.quotes(ticks, tz=tz)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 72), min_size=1, max_size=30), st.sampled_from([TASHKENT, "America/New_York", "UTC"]))
def test_every_tick_is_of_exactly_one_day(hours, tz):
    frame = frame_of([shown("TJS/USD", "0.10840", EVENING + hour * HOUR) for hour in sorted({*hours})])
    days = [date(2025, 11, 13) + day * DAY for day in range(5)]
    parts = [fx.quotes(frame, start=day, end=day, tz=tz) for day in days]
    assert pd.concat(parts)["observed_at"].tolist() == fx.quotes(frame)["observed_at"].tolist()
    counts = fx.resample(frame, "day", tz=tz).set_index("start_at")["count"]
    assert {begin.date(): count for begin, count in counts.items() if count} == {
        day: len(part) for day, part in zip(days, parts, strict=True) if len(part)
    }


def test_commands_show_the_clock_of_the_zone(store, tmp_path):
    store.append(
        [tick("TJS/USD", "0.10840", observed_at=EVENING), tick("TJS/USD", "0.10870", observed_at=NOON + 8 * HOUR)]
    )
    day = ["--start", "2025-11-14", "--end", "2025-11-14", "--tz", TASHKENT, "--store", str(tmp_path / "parquet")]
    table = CliRunner().invoke(app, ["history", *day]).stdout
    assert "times Asia/Tashkent" in table
    assert "2025-11-14 01:00" in table
    assert "0.10870" not in table
    csv = CliRunner().invoke(app, ["export", "-", *day]).stdout
    assert "2025-11-14T01:00:00.000000+05:00" in csv
    best = CliRunner().invoke(app, ["best", "TJS", "--at", "2025-11-14", "--tz", TASHKENT, "--store", day[-1]]).stdout
    assert "at 2025-11-14 01:00, times Asia/Tashkent" in best
    result = CliRunner().invoke(app, ["history", "--tz", "Asia/Nowhere"])
    assert (result.exit_code, "is no time zone" in result.stderr) == (2, True)


@pytest.mark.parametrize("tz", ["UTC", TASHKENT, "America/New_York"])
def test_tables_show_the_day_of_a_tick_of_which_only_the_date_is_known(store, tmp_path, tz):
    basis = {"source": "nbt", "time_basis": TimeBasis.DATE}
    store.append([tick("USD/TJS", "9.3000", observed_at=datetime(2025, 11, 14, tzinfo=UTC), **basis)])
    store.append([tick("TJS/USD", "0.10753", observed_at=NOON + 8 * HOUR)])
    for command in (["history"], ["latest"], ["quotes"], ["best", "USD/TJS", "--at", "2025-11-15"]):
        asked = [*command, "--tz", tz, "--store", str(tmp_path / "parquet")]
        lines = CliRunner().invoke(app, asked).stdout.splitlines()
        [ticker], [bank] = ([line for line in lines if name in line.split()] for name in ("timesca", "nbt"))
        day = "2025-11-14" if tz == TASHKENT else "day"  # the ticker's is another day in Tashkent, and else in the head
        assert (":" in ticker, ":" in bank, day in bank.split()) == (True, False, True)


@pytest.mark.parametrize("tz", ["Asia/Tashkent", "America/New_York"])
def test_official_rate_is_in_force_from_the_midnight_of_its_date_by_the_clock_of_the_zone(store, tz):
    before, after = "2025-11-13T23:59", "2025-11-14T00:00"
    texts = {date(2025, 11, 13): "12000.10", date(2025, 11, 14): "12100.10"}
    for day, text in texts.items():
        at = datetime(day.year, day.month, day.day, tzinfo=UTC)
        dated = {"source": "cbu", "time_basis": TimeBasis.DATE, "origin": Origin.ARCHIVE, "source_date": day}
        store.append([tick("USD/UZS", text, None, at, **dated)])
    for at, day in ((before, date(2025, 11, 13)), (after, date(2025, 11, 14))):
        rate = float(texts[day])
        [row] = fx.rate(store, "USD/UZS", at=at, tz=tz).itertuples()
        assert (row.rate, row.value_date.date()) == (rate, day)
        assert fx.rate(store, "USD/UZS", start=at, end=after + ":01", every="1h", tz=tz)["rate"][0] == rate
        assert float(fx.convert(store, 1, "USD", "UZS", at=at, tz=tz).amount) == rate
        assert fx.best(store, "USD/UZS", at=at, tz=tz).lo == pytest.approx(rate - 0.005)
    [row] = fx.drift(store, start=before, end=after, tz=tz, sources=["cbu"], per_usd=True).itertuples()
    assert (row.rate_start, row.rate_end) == (12000.1, 12100.1)
    series = fx.drift_series(store, base=after, tz=tz, per_usd=True)
    assert str(series["base_at"].dt.tz) == tz
    assert {f"{each:%Y-%m-%d %H:%M}" for each in series["base_at"]} == {"2025-11-14 00:00"}
