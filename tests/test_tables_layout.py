"""Tables: how they are laid out and coloured, how many rows a terminal gets, and what a watch prints."""

import io
import re
import sys
import time
from datetime import timedelta

import pandas as pd
import pytest
from builders import NOON, snapshot_ticks, tick
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import fxticker as fx
from fxticker.cli import app, watch
from fxticker.cli.columns import Plain, Printed, band_of
from fxticker.cli.formats import Format
from fxticker.cli.output import show
from fxticker.cli.table import write_table

ANSI = re.compile(r"\x1b\[\d*[A-Za-z]")
QUARTERS = pd.date_range("2025-11-14", periods=96, freq="15min", tz="UTC").as_unit("us")


class Screen(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def printed(monkeypatch):
    """Print rows on a terminal or into a pipe; its standard output and standard error."""

    def run(rows, columns, form=Format(), *, fields=None, out=None, width=80):  # noqa: B008  frozen
        out, err = out or io.StringIO(), io.StringIO()
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        monkeypatch.setenv("COLUMNS", str(width))
        show(rows, columns, form, fields=fields)
        monkeypatch.undo()
        return out.getvalue(), err.getvalue()

    return run


def table_of(rows, *names, width=80):
    return "\n".join(laid_out(rows, names, width)).rstrip()


def laid_out(rows, names, width):
    out, sys.stdout = sys.stdout, io.StringIO()
    try:
        write_table(rows, [Plain(name) for name in names], width=width, is_coloured=False)
        return sys.stdout.getvalue().splitlines()
    finally:
        sys.stdout = out


def test_terminal_gets_the_last_40_rows_and_the_count_of_the_others(printed):
    rows = [{"n": n} for n in range(1042)]
    shown, told = printed(rows, ["n"], out=Screen())
    assert shown.split()[2:] == [str(n) for n in range(1002, 1042)]
    assert told == "fxticker: 1,002 rows before these are not shown; --all prints them, --limit sets how many\n"


@pytest.mark.parametrize(
    ("form", "out", "count"),
    [
        (Format(), io.StringIO, 100),
        (Format(is_all=True), Screen, 100),
        (Format(limit=60), Screen, 60),
        (Format("csv"), Screen, 100),
        (Format("csv", limit=7), io.StringIO, 7),
    ],
)
def test_pipes_and_programs_get_all_rows_unless_limited(printed, form, out, count):
    shown, told = printed([{"n": n} for n in range(100)], ["n"], form, out=out())
    assert shown.split()[-count:] == [str(n) for n in range(100 - count, 100)]
    assert len([text for text in shown.split() if text.isdigit()]) == count
    assert bool(told) == (count < 100)


def test_what_all_rows_share_stands_above_the_table():
    rows = pd.DataFrame({"source": "timesca", "pair": ["KZT/USD", "KGS/USD"], "observed_at": QUARTERS[48]})
    assert table_of(rows, "source", "pair", "observed_at") == (
        "source timesca, observed_at 2025-11-14 12:00\npair\n-------\nKZT/USD\nKGS/USD"
    )


@pytest.mark.parametrize(
    ("times", "head", "cells"),
    [
        (QUARTERS[[0, 48]], "observed_at 2025-11-14", ["00:00", "12:00"]),
        (QUARTERS[[0]].union(QUARTERS[[0]] + pd.Timedelta("1D")), "", ["2025-11-14", "2025-11-15"]),
        (QUARTERS[[48]].union(QUARTERS[[48]] + pd.Timedelta("1D")), "", ["2025-11-14 12:00", "2025-11-15 12:00"]),
        (QUARTERS[[0, 0]] + pd.to_timedelta([1, 2], "s"), "observed_at 2025-11-14", ["00:00:01", "00:00:02"]),
    ],
)
def test_times_are_as_short_as_tells_them_apart(times, head, cells):
    lines = table_of(pd.DataFrame({"observed_at": times, "n": range(2)}), "observed_at", "n").splitlines()
    assert [line.rsplit(maxsplit=1)[0] for line in lines[-2:]] == cells
    assert (lines[0] if len(lines) == 5 else "") == head


def test_long_headings_are_broken_before_columns_are_left_out(printed):
    row = {"pair": "TMT/USD", **{f"{name}_of_a_long_heading": "x" * 12 for name in "abcde"}}
    shown, told = printed([row, row | {"pair": "KZT/USD"}], list(row))
    assert max(map(len, shown.splitlines())) <= 80
    assert [line.split()[-1] for line in shown.splitlines()[:2]] == ["e_of_a_", "long_heading"]
    assert told == ""
    shown, told = printed([row, row | {"pair": "KZT/USD"}], list(row), Format(is_wide=True))
    assert " e_of_a_long_heading" in shown.splitlines()[0]


def test_columns_without_room_are_named_and_shown_on_a_wide_terminal(printed):
    rows = [{"pair": "TMT/USD", "origin": "live" * 5, "text": f"{n:070}"} for n in range(2)]
    rows[1]["origin"] = "page"
    shown, told = printed(rows, ["pair", "origin", "text"])
    assert "origin" not in shown
    assert told == "fxticker: not shown, for want of room: origin; --wide prints all columns\n"
    assert "origin" in printed(rows, ["pair", "origin", "text"], out=Screen(), width=120)[0]


def test_close_keeps_its_period_beside_a_source_and_a_pair(store, tmp_path):
    for day in range(9):
        at = NOON + timedelta(days=day, hours=day)
        store.append(snapshot_ticks(at)[:2])
        rates = {"KGS/USD": f"0.01143510{day}", "KZT/USD": f"0.00204427{day}"}
        store.append([tick(pair, text, None, at, source="other") for pair, text in rates.items()])
    shown = CliRunner().invoke(app, ["resample", "--every", "week", "--store", str(tmp_path / "parquet")])
    assert {"source", "pair", "start_at", "close", "close_at"} <= {*shown.stdout.split()}
    assert "high" in shown.stderr


def test_value_dates_are_shown_as_days(printed):
    days = pd.to_datetime(["2026-02-20", "2026-02-21"], utc=True)
    rows = pd.DataFrame({"observed_at": days + timedelta(hours=5), "official_at": days})
    assert printed(rows, ["observed_at", "official_at"])[0].splitlines()[-1] == "2026-02-21 05:00  2026-02-21"


def test_verdict_of_a_change_is_kept_beside_several_pairs(history_store):
    shown = CliRunner().invoke(app, ["changes", "--store", str(history_store), "--start", "2026-02-20"])
    assert {"pair", "first_at", "verdict"} <= {*shown.stdout.split()}
    assert shown.stdout.count("peg hop") == 4


def test_source_that_contradicts_the_best_one_is_kept(store, tmp_path):
    known = tick("KZT/USD", "0.0020442755", None, NOON, source="bank-of-a-land")
    store.append([tick("KZT/USD", "0.00200", None, NOON), known])
    best = ["best", "KZT", "--at", "2025-11-14T20:00Z", "--store", str(tmp_path / "parquet")]
    shown = CliRunner().invoke(app, best)
    assert [line.split()[-1] for line in shown.stdout.splitlines()[-2:]] == ["timesca", "bank-of-a-land"]


def test_change_of_a_period_names_the_day_that_it_is_from_beside_several_pairs(history_store):
    folder = ["--store", str(history_store)]
    shown = CliRunner().invoke(app, ["drift-by-period", "--pair", "KZT", "--pair", "TMT", *folder]).stdout.splitlines()
    assert max(map(len, shown)) <= 80
    assert [line.split()[-2:] for line in shown if " 2025-11-01 " in line] == [["2025-05-25", "2025-11-11"]] * 2


def test_drift_of_several_sources_names_the_days_of_its_ticks(store):
    for source, day in (("timesca", NOON), ("nbk", NOON - timedelta(days=1))):
        ends = (("0.00191", day), ("0.00200", day + timedelta(days=3)))
        store.append([tick("KZT/USD", text, None, at, source=source) for text, at in ends])
    asked = ["--start", "2025-11-14", "--end", "2025-11-17", "--store", str(store.backend)]
    rows = [line.split()[:3] for line in CliRunner().invoke(app, ["drift", *asked]).stdout.splitlines()[-2:]]
    assert rows == [["nbk", "2025-11-13", "2025-11-16"], ["timesca", "2025-11-14", "2025-11-17"]]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries({name: st.text(max_size=90) for name in ("pair", "rate_text", "change_text", "why")}),
        min_size=1,
        max_size=5,
    )
)
def test_table_never_exceeds_80_columns_unless_one_column_does(rows):
    lines = laid_out(rows, ["pair", "rate_text", "change_text", "why"], 80)
    rule = next(line for line in lines if line.strip("- ") == "" and "-" in line)
    assert len(rule) <= 80 or "  " not in rule
    assert not any(char in "\x1b\x9b\r\u202e" for line in lines for char in line)


def test_bands_and_texts_of_each_row_are_its_own_in_every_block(monkeypatch, printed):
    monkeypatch.setattr("fxticker.cli.blocks.BLOCK_ROWS", 2)
    rows = pd.DataFrame({"rate_text": ["9", "10", "11", "1,234"], "nominal": [1, 1, 1, 10], "rate": 0.0})
    rows = rows.assign(rate_lo=[8.5, 9.5, 10.5, None], rate_hi=[9.5, 10.5, 11.5, None])
    shown, _ = printed(rows, [Printed(), band_of("rate")])
    assert [line.split() for line in shown.splitlines()[2:]] == [
        ["9", "8.5", "to", "9.5"],
        ["10", "9.5", "to", "10.5"],
        ["11", "10.5", "to", "11.5"],
        ["1,234", "per", "10"],
    ]


@pytest.mark.parametrize(
    ("environment", "out", "is_coloured"),
    [
        ({}, Screen, True),
        ({}, io.StringIO, False),
        ({"NO_COLOR": "1"}, Screen, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, Screen, False),
        ({"FORCE_COLOR": "1"}, io.StringIO, True),
        ({"TERM": "dumb"}, Screen, False),
    ],
)
def test_colours_are_as_the_environment_wants_them(printed, monkeypatch, environment, out, is_coloured):
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    rows = [{"drift_pct": "-0.1", "significant": True}, {"drift_pct": "0.2", "significant": False}]
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    shown, _ = printed(rows, list(rows[0]), out=out())
    assert ("\x1b[31m     -0.1\x1b[0m" in shown) == ("\x1b[32myes" in shown) == is_coloured
    assert ANSI.sub("", shown).split()[-2:] == ["0.2", "no"]


def test_watch_redraws_a_terminal(monkeypatch):
    screen, texts = Screen(), iter(["one\ntwo", "three"])

    def sleep(_seconds):
        if "three" in screen.getvalue():
            raise KeyboardInterrupt

    monkeypatch.setattr(watch, "sleep", sleep)
    monkeypatch.setattr(sys, "stdout", screen)
    with pytest.raises(KeyboardInterrupt):
        watch.repeat(lambda: print(next(texts)), every_s=1)
    assert screen.getvalue() == "\x1b[Hone\x1b[K\ntwo\x1b[K\n\x1b[J\x1b[Hthree\x1b[K\n\x1b[J"


def test_watch_stays_within_a_low_terminal(monkeypatch):
    screen = Screen()
    monkeypatch.setenv("LINES", "4")
    monkeypatch.setattr(watch, "sleep", lambda _seconds: (_ for _ in ()).throw(KeyboardInterrupt))
    monkeypatch.setattr(sys, "stdout", screen)
    with pytest.raises(KeyboardInterrupt):
        watch.repeat(lambda: print("a\nb\nc\nd\ne"), every_s=1)
    assert ANSI.sub("", screen.getvalue()) == "a\nb\n(3 lines more; the terminal is too low)\n"


@pytest.mark.parametrize("arguments", ["latest --watch 0s", "latest --watch --format csv", "latest --all --limit 3"])
def test_wrong_usage_of_tables_exits_with_2(store, tmp_path, arguments):
    assert CliRunner().invoke(app, [*arguments.split(), "--store", str(tmp_path / "parquet")]).exit_code == 2


def test_printed_frame_of_the_ticker_shows_pair_instant_and_rate(store):
    store.append(snapshot_ticks(NOON))
    for frame in (fx.latest(store), fx.load(store), fx.quotes(store)):
        assert frame.columns[:3].tolist() == ["pair", "observed_at", "rate"]
    with pd.option_context("display.width", 80):
        head, first = fx.latest(store).to_string(line_width=None, max_cols=6).splitlines()[:2]
    assert head.split() == ["pair", "observed_at", "rate", "...", "nominal", "stale", "source"]
    assert first.split()[-1] == "timesca"


def test_conversion_shows_as_a_table_in_a_notebook(store):
    store.append([tick("UZS/RUB", "62,8322", None, source="cbr", nominal=10_000, rate=62.8322 / 10_000)])
    shown = fx.convert(store, "1500", "UZS", "RUB", at=NOON)._repr_html_()
    assert "<tr><th>UZS/RUB</th><td>62,8322 per 10,000 of cbr on 2025-11-14</td></tr>" in shown


@pytest.mark.slow
def test_time_of_a_table_grows_with_its_rows_and_not_faster(printed):
    texts = [f"{n / 100000:.5f}" for n in range(1100, 1200)]
    rows = pd.DataFrame(
        {
            "observed_at": pd.date_range("2025-11-01T00:00:03.5Z", periods=200_000, freq="min").as_unit("us"),
            "pair": pd.Categorical(["KZT/USD", "KGS/USD"] * 100_000),
            "rate_text": pd.Categorical(texts * 2000),
            "nominal": 1,
        }
    )
    rate = rows["rate_text"].astype("float64")
    rows = rows.assign(rate=rate, rate_lo=rate - 5e-6, rate_hi=rate + 5e-6)
    seconds = []
    for count in (20_000, 200_000):
        began = time.process_time()
        shown, _ = printed(rows[:count], ["observed_at", "pair", Printed(), band_of("rate")])
        seconds.append(time.process_time() - began)
        assert shown.count("\n") == count + 2
    assert seconds[1] < 30 * seconds[0]  # ten times the rows


def test_rates_of_banks_that_print_a_comma_have_a_decimal_point(store):
    rates = [("87,4500", NOON), ("87,4600", NOON + timedelta(days=1))]
    store.append([tick("USD/KGS", text, None, at, source="nbkr") for text, at in rates])
    asked = ["drift", "--start", "2025-11-14", "--end", "2025-11-15", "--per-usd", "--store", str(store.backend)]
    shown = CliRunner().invoke(app, asked).stdout
    assert "87.4500" in shown
    assert "87,4500" not in shown
    assert "87,4500" in CliRunner().invoke(app, ["history", "--store", str(store.backend)]).stdout


@pytest.mark.parametrize(
    ("first", "shown"),
    [
        ("2025-11-14 12:00:00.005", "12:01"),
        ("2025-11-14 12:00:00", "12:00"),
        ("2025-11-14 23:59:30", "23:59:30"),
        ("2025-11-14 00:00:00.005", "00:01"),
    ],
)
def test_time_of_a_table_is_no_earlier_than_the_instant(first, shown):
    instants = pd.to_datetime([first, "2025-11-14 06:00"], utc=True, format="ISO8601").as_unit("us")
    rows = pd.DataFrame({"observed_at": instants, "rate": [1.5, 2.5]})
    head, *_, row, other = table_of(rows, "observed_at", "rate").splitlines()
    assert head == "observed_at 2025-11-14"
    assert (row.split()[0], other.split()[0][:5]) == (shown, "06:00")
