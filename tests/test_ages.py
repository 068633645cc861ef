"""Ages: no lookup reaches back beyond what its source allows without a word."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from builders import NOON, FixedClock, snapshot_ticks, tick
from click.testing import CliRunner
from true_rates import frame_of, shown

import fxticker as fx
from fxticker.cli import app
from fxticker.model.durations import age_text, duration_of, limit_text
from fxticker.model.records import Origin, TimeBasis
from fxticker.sources.age_limits import AgeLimit, holds_days, is_stale
from fxticker.sources.registry import source_of
from fxticker.store.store import Store

DAY = timedelta(days=1)
FIGURES = ["rate_start", "rate_end", "rate_text_start", "rate_text_end", "drift_pct", "drift_lo_pct", "drift_hi_pct"]


@pytest.fixture
def sparse():
    """KGS has a tick 20 days before, and all pairs have two of two days."""
    old = snapshot_ticks(NOON - 20 * DAY)
    return frame_of([*old, *snapshot_ticks(NOON)[1:], *snapshot_ticks(NOON + DAY)])


def test_drift_from_a_tick_too_old_is_a_row_with_the_reason_and_no_figures(sparse):
    rows = fx.drift(sparse, start="2025-11-14", end="2025-11-15").set_index("pair")
    kgs, kzt = rows.loc["KGS/USD"], rows.loc["KZT/USD"]
    assert kgs[FIGURES].isna().all()
    assert not kgs["significant"]
    assert (kgs["start_at"], kgs["end_at"]) == (NOON - 20 * DAY, NOON + DAY)
    assert (kgs["start_age_h"], kgs["end_age_h"]) == pytest.approx((20 * 24 + 12, 12))
    assert kgs["reason"] == "start tick at 2025-10-25 12:00 UTC, 20 d 11 h old, limit 7 d"
    assert kzt[FIGURES].notna().all()
    assert rows["reason"].isna().sum() == 4


def test_any_age_is_used_where_it_is_asked_for(sparse):
    row = fx.drift(sparse, start="2025-11-14", end="2025-11-15", max_age="any").set_index("pair").loc["KGS/USD"]
    assert row["rate_text_start"] == "0.01144"
    assert fx.drift(sparse, start="2025-11-14", end="2025-11-15", max_age=21 * DAY)["drift_pct"].notna().all()


def test_drift_of_ticks_that_are_all_too_old_names_their_ages(history_store):
    ages = (
        r"start tick at 2025-05-25 00:00 UTC, 143 d \d+ h old, limit 7 d; "
        r"max_age \(--max-age\) sets another limit, or none: any$"
    )
    with pytest.raises(fx.NoData, match=f"KGS/USD, KZT/USD, TJS/USD, TMT/USD, UZS/USD of timesca: {ages}"):
        fx.drift(history_store, start="2025-10-15", end="2025-12-14")
    with pytest.raises(fx.NoData, match=r"and another by .*: end tick at 2026-02-25 12:00 UTC, \d+ d \d+ h old"):
        fx.drift(history_store, start="2025-11-14", end="2030-01-01")


def test_base_too_old_leaves_no_figures(sparse):
    ends = {"start": "2025-11-14T12:00Z", "end": "2025-11-15T12:00Z", "pairs": "KZT/USD", "base": "2025-11-14"}
    assert fx.drift(sparse, max_age="12h", **ends)["drift_pct"].notna().all()
    with pytest.raises(
        fx.NoData, match="KZT/USD of timesca: base tick at 2025-11-14 12:00 UTC, 11 h 59 min old, limit 11 h"
    ):
        fx.drift(sparse, max_age="11h", **ends)


def test_series_has_no_figures_since_a_base_that_is_too_old(sparse):
    found = fx.drift_series(sparse, base="2025-11-14", start="2025-11-15")
    kgs = found[found["pair"] == "KGS/USD"]
    assert kgs[["drift_pct", "base_at"]].isna().all(axis=None)
    assert kgs["reason"].tolist() == ["base tick at 2025-10-25 12:00 UTC, 20 d 11 h old, limit 7 d"]
    assert found["reason"].isna().sum() == 4
    with pytest.raises(fx.NoData, match="base tick at 2025-10-25 12:00 UTC, 20 d 11 h old"):
        fx.drift_series(sparse, base="2025-11-14", start="2025-11-15", pairs="KGS/USD")


def test_period_without_a_recent_close_has_no_change():
    days = (1, 30, 45, 60)  # of October: a close of that month, none of the middle of November
    at = [datetime(2025, 10, 1, 12, tzinfo=UTC) + (day - 1) * DAY for day in days]
    frame = frame_of([shown("TJS/USD", f"0.1000{number}", instant) for number, instant in enumerate(at)])
    november = fx.drift_by_period(frame, "month").iloc[1]
    assert (november["from_at"], november["to_at"]) == (at[1], at[3])
    assert (november["start_age_h"], november["end_age_h"]) == (36, 36)
    assert november["drift_pct"] == pytest.approx(100 * (0.10003 / 0.10001 - 1))

    assert fx.drift_by_period(frame[:3], "month")["drift_pct"].notna().tolist() == [False, True]
    cut = fx.drift_by_period(frame[:3], "month", max_age=None).iloc[1]
    assert cut[["drift_pct", "drift_lo_pct", "drift_hi_pct"]].isna().all()
    assert (cut["reason"], cut["significant"]) == ("end tick older than 7 d", False)
    assert fx.drift_by_period(frame[:3], "month", end=at[2] + DAY, max_age=None)["drift_pct"].notna().tolist() == [
        False,
        True,
    ]
    assert fx.drift_by_period(frame[:3], "month", max_age="17d")["drift_pct"].notna().tolist() == [False, True]


def test_conversion_by_a_rate_of_the_week_is_good_and_by_an_older_one_is_not():
    ticks = frame_of(snapshot_ticks())
    assert fx.convert(ticks, 1, "KZT", "USD", at=NOON + 7 * DAY).age == 7 * DAY
    with pytest.raises(fx.StaleRate):
        fx.convert(ticks, 1, "KZT", "USD", at=NOON + 7 * DAY + timedelta(seconds=1))
    assert fx.convert(ticks, 1, "KZT", "USD", max_age="any").age > 300 * DAY
    bank = frame_of([tick("USD/KGS", "87.45", None, NOON, source="nbkr", origin=Origin.LIVE)])
    assert fx.convert(bank, 1, "USD", "KGS", at=NOON + 200 * DAY).amount > 87  # this bank publishes only changes


def test_limit_is_that_of_the_source_unless_it_is_given():
    assert [holds_days(name) for name in ("timesca", "cbu", "nbkr", "tmt-peg", "unknown")] == [7, 14, None, None, 14]
    assert source_of("timesca").holds_days == 7
    assert AgeLimit.of(None).excess("timesca", 7 * DAY) is None
    assert AgeLimit.of(None).excess("timesca", 7 * DAY + timedelta(minutes=1)) == "7 d 1 h old, limit 7 d"
    assert AgeLimit.of("12h").excess("cbu", DAY) == "1 d 0 h old, limit 12 h"
    assert AgeLimit.of("any").excess("timesca", 900 * DAY) is None
    assert AgeLimit.of("12h").excess("tmt-peg", 900 * DAY) is None
    assert limit_text(timedelta(hours=36)) == "1 d 12 h"


@pytest.mark.parametrize("given", ["1d 6h", "30h", "1.25 days", timedelta(hours=30), "1800 min"])
def test_durations_of_several_spellings_are_alike(given):
    assert duration_of(given) == timedelta(hours=30)
    assert age_text(duration_of(given)) == "1 d 6 h"


def test_stale_goes_by_the_days_on_which_a_source_publishes():
    friday = datetime(2025, 11, 14, tzinfo=UTC).date()
    first_stale = {
        name: next((days for days in range(30) if is_stale(name, friday, friday + days * DAY)), None)
        for name in ("timesca", "cbu", "nbt", "unknown", "tmt-peg")
    }
    assert first_stale == {"timesca": 2, "cbu": 10, "nbt": 3, "unknown": 15, "tmt-peg": None}


# latest


def test_latest_shows_ages_and_marks_what_is_stale(store):
    now = datetime.now(UTC)
    dated = {"time_basis": TimeBasis.DATE, "source_date": None}
    store.append([tick("KZT/USD", observed_at=now - DAY / 2, source_date=None), tick("UZS/USD", "0.00008")])
    store.append([tick("TJS/USD", "0.1", None, datetime(2025, 11, 13, tzinfo=UTC), **dated)])
    frame = fx.latest(store).set_index("pair")
    assert frame["stale"].to_dict() == {"KZT/USD": False, "TJS/USD": True, "UZS/USD": True}
    since = {"KZT/USD": now - DAY / 2, "TJS/USD": datetime(2025, 11, 14, tzinfo=UTC), "UZS/USD": NOON}
    for pair, instant in since.items():
        assert frame["age_h"][pair] == pytest.approx((datetime.now(UTC) - instant) / timedelta(hours=1), abs=0.1)
    assert frame["rate"].notna().all()


def test_latest_gives_no_figures_of_what_is_older_than_asked_for(store):
    store.append([tick("KZT/USD", observed_at=datetime.now(UTC) - DAY, source_date=None), tick("UZS/USD", "0.00008")])
    frame = fx.latest(store, max_age="2d").set_index("pair")
    assert frame.loc["UZS/USD", ["rate", "rate_text", "change_pct", "change_text"]].isna().all()
    assert frame["reason"]["UZS/USD"].endswith("old, limit 2 d")
    assert frame.loc["KZT/USD", ["rate_text", "stale"]].tolist() == ["0.00191", False]
    assert not fx.latest(store, max_age="any")["stale"].any()


def test_latest_as_of_an_instant_is_what_it_was_then(tmp_path):
    clock = FixedClock(NOON)
    store = Store(tmp_path / "parquet", clock=clock)
    store.append([tick("KZT/USD", "0.00191"), tick("TJS/USD", "0.10840")])
    clock.at = NOON + DAY
    store.append(
        [tick("KZT/USD", "0.00192", observed_at=NOON - DAY / 4), tick("KZT/USD", "0.00193", observed_at=NOON + DAY)]
    )
    [row] = fx.latest(store, as_of="2025-11-14", pairs="KZT/USD").itertuples()
    assert (row.rate_text, row.observed_at, row.stale) == ("0.00191", NOON, False)
    assert row.age_h == pytest.approx(12)
    assert fx.latest(store, as_of=NOON + DAY, pairs="KZT/USD")["rate_text"].tolist() == ["0.00193"]
    with pytest.raises(fx.NoData, match="KZT/USD by 2020-01-01 23:59 UTC; imported ticks count from their import on"):
        fx.latest(store, as_of="2020-01-01", pairs="KZT/USD")


# before the first tick

FIRST = "; the first one after that is of 2025-11-14 12:00 UTC$"


@pytest.mark.parametrize(
    "look_up",
    [
        lambda ticks, early: fx.drift(ticks, start=early, end="2025-11-14"),
        lambda ticks, early: fx.drift(ticks, start=early, end="2025-11-13"),
        lambda ticks, early: fx.drift(ticks, start=early, end="2025-11-14", pairs=["KZT/UZS"]),
        lambda ticks, early: fx.drift_series(ticks, base=early),
        lambda ticks, early: fx.rate(ticks, "KZT", at=early),
        lambda ticks, early: fx.rate(ticks, "KZT/UZS", at=early),
        lambda ticks, early: fx.convert(ticks, 1, "UZS", "USD", at=early),
        lambda ticks, early: fx.best(ticks, "USD/KZT", at=early),
    ],
    ids=["drift", "drift-to-early", "drift-cross", "series", "rate", "rate-cross", "convert", "best"],
)
def test_lookup_before_the_first_tick_names_it(look_up):
    with pytest.raises(fx.NoData, match=FIRST):
        look_up(frame_of(snapshot_ticks(NOON)), "2020-01-01")


def test_rate_by_value_date_names_the_first_day_in_force():
    [of_bank] = [tick("USD/KZT", "520.12", None, NOON, source="nbk", source_date=date(2025, 11, 15))]
    for look_up in (fx.rate, fx.best):
        with pytest.raises(fx.NoData, match=r"; the first one after that is of 2025-11-15$"):
            look_up(frame_of([of_bank]), "KZT", at="2025-11-14")


def test_pair_that_begins_later_than_others_names_its_first_tick():
    ticks = frame_of([*snapshot_ticks(NOON)[:-1], *snapshot_ticks(NOON + DAY)])
    rows = fx.drift(ticks, start="2025-11-14", end="2025-11-15").set_index("pair")
    assert rows.loc["TMT/USD", "reason"] == "no tick by the start; the first one after that is of 2025-11-15 12:00 UTC"
    assert rows["reason"].isna().sum() == 4


def test_tick_with_a_date_only_that_is_not_over_is_the_first_one_after():
    dated = tick("KZT/USD", "0.00191", observed_at=datetime(2025, 11, 14, tzinfo=UTC), time_basis=TimeBasis.DATE)
    with pytest.raises(fx.NoData, match=r"; the first one after that is of 2025-11-14$"):
        fx.best(frame_of([dated]), "KZT", at="2025-11-14T12:00Z")


def test_as_of_before_anything_was_recorded_names_the_first_that_was(store, tmp_path):
    store.append(snapshot_ticks(NOON))
    first = "; the first one was recorded at 20[0-9-]{8} [0-9:]{5} UTC"
    with pytest.raises(fx.NoData, match=first):
        fx.latest(store, as_of="2020-01-01")
    for command in ("latest", "history", "drift --start 2025-11-13"):
        result = CliRunner().invoke(
            app, [*command.split(), "--as-of", "2020-01-01", "--store", str(tmp_path / "parquet")]
        )
        assert re.search(f"{first}$", str(result.exception))


# commands


def test_commands_name_what_is_too_old_on_stderr(store, tmp_path):
    store.append(snapshot_ticks(NOON - 20 * DAY)[:1] + snapshot_ticks(NOON)[1:] + snapshot_ticks(NOON + DAY))
    folder = ["--store", str(tmp_path / "parquet")]
    result = CliRunner().invoke(app, ["drift", "--start", "2025-11-14", "--end", "2025-11-15", *folder])
    assert result.exit_code == 0
    assert (
        result.stderr.splitlines()[0]
        == "fxticker: KGS/USD of timesca: start tick at 2025-10-25 12:00 UTC, 20 d 11 h old, limit 7 d"
    )
    result = CliRunner().invoke(app, ["drift", "--start", "2025-11-14", "--end", "2025-11-15", "--wide", *folder])
    [kgs] = [line for line in result.stdout.splitlines() if line.startswith("KGS/USD")]
    assert "2025-10-25 12:00" in kgs
    assert " start tick at 2025-10-25 12:00 UTC, 20 d 11 h old, limit 7 d " in kgs
    result = CliRunner().invoke(app, ["latest", *folder])
    assert (result.exit_code, result.stdout.count("h, stale")) == (0, 5)
    assert CliRunner().invoke(app, ["latest", "--max-age", "soon", *folder]).exit_code == 2


def test_drift_names_ticks_that_a_longer_limit_lets_in(tmp_path):
    store = Store(tmp_path / "parquet")
    for source in ("nbt", "timesca"):
        at = [NOON - 20 * DAY, NOON - (0 if source == "nbt" else 10) * DAY]
        store.append(
            [tick("TJS/USD", f"0.1084{place}", observed_at=each, source=source) for place, each in enumerate(at)]
        )
    asked = ["--start", "2025-10-25", "--end", "2025-11-14", "--max-age", "any", "--store", str(tmp_path / "parquet")]
    result = CliRunner().invoke(app, ["drift", *asked])
    assert result.exit_code == 0
    assert "TJS/USD of timesca: end tick 10 d 11 h old, limit 7 d; used by --max-age" in result.stderr
    assert "nbt: end" not in result.stderr


def test_months_name_the_close_from_which_they_measure(history_store):
    folder = ["--store", str(history_store), "--pair", "KZT"]
    result = CliRunner().invoke(app, ["drift-by-period", "--every", "month", *folder])
    [december] = [line for line in result.stdout.splitlines() if line.startswith("2024-12-01")]
    assert "2024-09-29" in december
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_span_of_one_period_says_why_nothing_is_compared(store):
    store.append([tick("KZT/USD", "0.00191", "0%", NOON)])
    shown = CliRunner().invoke(app, ["drift-by-period", "--store", str(store.backend), "--every", "month"])
    assert shown.exit_code == 0
    assert "begin a period earlier, with --start" in shown.stderr


@pytest.mark.parametrize(
    ("span", "told"),
    [
        (["--end", "2025-11-20"], "2025-11-01 00:00 is cut at 2025-11-21 00:00: its drift is the one by then"),
        (
            ["--end", "2025-11-20T16:05:07Z", "--tz", "Asia/Tashkent"],
            "2025-11-01 00:00 is cut at 2025-11-20 21:05:07: ",
        ),
        (["--end", "2025-11"], ""),
        ([], ""),
    ],
)
def test_month_that_the_span_cuts_is_named(store, span, told):
    store.append([tick("KZT/USD", rate, "0%", at) for rate, at in (("0.00181", NOON - 20 * DAY), ("0.00191", NOON))])
    asked = ["drift-by-period", "--every", "month", *span, "--store", str(store.backend)]
    stderr = CliRunner().invoke(app, asked).stderr
    assert ("cut at" in stderr, told in stderr) == (bool(told), True)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], ["first close in span", "no close in it", "more than rounding"]),
        (["--max-age", "1d"], ["end tick older than 1 d", "no close in it", "start tick older than 1 d"]),
    ],
)
def test_month_without_drift_says_why(store, options, told):
    for at in (NOON - 70 * DAY, NOON):
        store.append([tick("KZT/USD", "0.00191" if at == NOON else "0.00181", "0%", at)])
    asked = ["drift-by-period", "--every", "month", "--end", "2025-11-15", *options, "--store", str(store.backend)]
    rows = CliRunner().invoke(app, asked).stdout.splitlines()[-3:]
    assert [row[:10] for row in rows] == ["2025-09-01", "2025-10-01", "2025-11-01"]
    assert all(text in row for text, row in zip(told, rows, strict=True))


def test_refused_drift_says_what_each_source_has(store):
    store.append([tick("TJS/USD", "0.10840", "0%", NOON), tick("KZT/USD", "0.00191", "0%", NOON)])
    store.append([tick("TJS/USD", "0.09132", None, NOON - 200 * DAY, source="nbt")])
    with pytest.raises(fx.NoData) as refused:
        fx.drift(store, start="2025-11-15", end="2025-11-16")
    assert "KZT/USD, TJS/USD of timesca: the same tick at both ends, 2025-11-14 12:00 UTC" in str(refused.value)
    assert "TJS/USD of nbt: the same tick at both ends, start tick at 2025-04-28 12:00 UTC, 201 d" in str(refused.value)
    with pytest.raises(fx.NoData, match=r"of timesca: the same tick at both ends, 2025-11-14 12:00 UTC$"):
        fx.drift(store, start="2025-11-15", end="2025-11-16", pairs=["KZT"], sources="rate")


def test_rate_of_a_bank_counts_from_the_beginning_of_its_value_date_in_every_lookup(store):
    days = [NOON.replace(hour=0) - DAY * number for number in (2, 1, 0)]
    dated = {"source": "nbk", "time_basis": TimeBasis.DATE, "origin": Origin.ARCHIVE}
    texts = ("520.10", "521.10", "522.10")
    store.append(
        [
            tick("USD/KZT", text, None, day, source_date=day.date(), **dated)
            for text, day in zip(texts, days, strict=True)
        ]
    )
    for ticks in (store, fx.load(store)):
        for end, found in ((NOON, days[2]), (days[2], days[2]), (days[2] - timedelta(seconds=1), days[1])):
            [row] = fx.drift(ticks, start=days[0] + DAY / 2, end=end, sources=["nbk"]).itertuples()
            assert (row.start_at, row.end_at, row.start_age_h) == (days[0], found, 0)
            assert fx.rate(ticks, "USD/KZT", at=end)["value_date"][0].date() == found.date()
    assert fx.drift_series(store, base=days[1] + DAY / 2)["base_at"][0] == days[1]
    as_of = datetime.now(UTC)
    assert fx.latest(store, as_of=as_of)["observed_at"][0] == days[2]
