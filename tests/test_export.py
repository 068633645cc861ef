import gzip
import io
import json
import math
import sqlite3
import subprocess
import sys
from datetime import date, datetime, timedelta
from shutil import which

import openpyxl
import pandas as pd
import pytest
from builders import NOON, snapshot_ticks, tick
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import fxticker as fx
from fxticker.cli import app
from fxticker.errors import MissingExtra
from fxticker.model.formatting import plain_decimal
from fxticker.model.records import Outcome, Poll
from fxticker.store.store import Store

FUNCTIONS = {
    "load": lambda store: fx.load(store, bands=True),
    "wide": lambda store: fx.wide(store, source="timesca"),
    "latest": fx.latest,
    "quotes": lambda store: fx.quotes(store, pairs=["USD/KZT", "KZT/UZS"]),
    "drift": lambda store: fx.drift(store, start="2025-11-14", end="2025-11-15"),
    "drift_series": fx.drift_series,
    "drift_by_period": lambda store: fx.drift_by_period(store, "month"),
    "changes": fx.changes,
    "decode": fx.decode,
    "rollovers": fx.rollovers,
    "resample": lambda store: fx.resample(store, "week"),
    "peg": fx.peg,
    "load_polls": fx.load_polls,
    "coverage": lambda store: fx.coverage(store, "day"),
    "gaps": fx.gaps,
}


@pytest.fixture
def two_days(tmp_path):
    """A store with two snapshots on one day, one on the next, a bank's rate with a nominal, and a poll."""
    store = Store(tmp_path / "store")
    store.append(
        [
            *snapshot_ticks(NOON),
            tick("KZT/USD", "0.00192", "0.52%", NOON + timedelta(hours=11)),
            tick("UZS/USD", "0.00008", "0%", NOON + timedelta(hours=12)),
            tick("UZS/RUB", "62,8322", None, NOON, source="cbr", rate=0.00628322, nominal=10_000),
        ]
    )
    store.record([Poll("timesca", NOON, Outcome.OK, started_at=NOON, ticks=5, http_status=200, attempts=1)])
    return tmp_path / "store"


@pytest.fixture
def export(tmp_path, monkeypatch):
    """Run `fxticker export` in a folder of its own, and return the file or standard output."""
    monkeypatch.chdir(tmp_path)

    def run(file, store, *options):
        shown = CliRunner().invoke(app, ["export", file, "--store", str(store), *options])
        assert shown.exit_code == 0, shown.output
        return shown.stdout_bytes if file == "-" else tmp_path / file

    return run


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_plain_decimal_reads_back_as_the_same_number_without_an_exponent(value):
    text = plain_decimal(value)
    assert float(text) == value
    assert "e" not in text


def test_csv_has_plain_decimals_and_the_printed_text_with_its_nominal(two_days, export):
    rows = pd.read_csv(export("t.csv", two_days), dtype=str)
    assert rows["rate"].tolist()[-1] == "0.00008"
    [rouble] = rows[rows["pair"] == "UZS/RUB"].to_dict("records")
    assert (rouble["rate"], rouble["rate_text"], rouble["nominal"]) == ("0.00628322", "62,8322", "10000")
    assert rouble["observed_at"] == "2025-11-14T12:00:00.000000Z"
    assert set(rows.loc[rows["pair"] == "UZS/USD", "rate_lo"]) == {"0.000075"}


@pytest.mark.parametrize("command", ["history", "latest", "quotes", "resample", "drift-series"])
def test_csv_of_commands_has_plain_decimals(command, two_days):
    text = CliRunner().invoke(app, [command, "--store", str(two_days), "--source", "timesca", "--format", "csv"]).stdout
    assert "UZS/USD" in text
    assert "e-0" not in text


def test_decimal_comma_leaves_printed_texts(two_days, export):
    lines = export("t.csv", two_days, "--decimal-comma", "--pair", "TJS/USD").read_text().splitlines()
    assert lines[0].startswith("pair;observed_at;rate;time_basis;rate_text;change_pct;change_text")
    assert lines[1].startswith("TJS/USD;2025-11-14T12:00:00.000000Z;0,1084;clock;0.10840;0,37;0.37%;")


def test_packed_csv_is_the_same_in_gzip_and_the_same_each_time(two_days, export):
    plain = export("t.csv", two_days).read_bytes()
    packed = export("t.csv.gz", two_days).read_bytes()
    assert gzip.decompress(packed) == plain
    assert export("again.csv.gz", two_days).read_bytes() == packed


def test_standard_output_has_the_bytes_of_the_file(two_days, export):
    assert export("-", two_days) == export("t.csv", two_days).read_bytes()
    assert export("-", two_days, "--format", "json") == export("t.json", two_days).read_bytes()
    book = openpyxl.load_workbook(io.BytesIO(export("-", two_days, "--format", "xlsx")))
    assert book.active.max_row == 9
    assert export("-", two_days, "--format", "sqlite").startswith(b"SQLite format 3")


def test_json_has_full_floats(two_days, export):
    rows = json.loads(export("t.json", two_days, "--pair", "USD/UZS", "--pair", "USD/KZT").read_text())
    assert {row["rate"] for row in rows} == {12500, 1 / 0.00191, 1 / 0.00192}
    assert rows[0]["rate_text"] is None


def test_wide_csv_has_a_column_per_pair(two_days, export):
    text = export("w.csv", two_days, "--wide", "--source", "timesca", "--pair", "KZT/USD", "--pair", "UZS/USD")
    assert text.read_text() == (
        "observed_at,KZT/USD,UZS/USD\n"
        "2025-11-14T12:00:00.000000Z,0.00191,0.00008\n"
        "2025-11-14T23:00:00.000000Z,0.00192,\n"
        "2025-11-15T00:00:00.000000Z,,0.00008\n"
    )


@pytest.mark.parametrize(
    ("options", "sources"),
    [
        (["--pair", "UZS"], ["cbu", "timesca"]),
        (["--pair", "USD/UZS"], ["cbu", "timesca"]),
        (["--pair", "USD/UZS", "--source", "timesca"], ["timesca"]),
        (["--pair", "UZS", "--source", "cbu"], ["cbu"]),
    ],
)
def test_named_pair_is_exported_of_all_sources_however_they_state_it(store, export, options, sources):
    store.append([tick("UZS/USD", "0.00008"), tick("USD/UZS", "11990.09", None, NOON, source="cbu")])
    rows = pd.read_csv(export("t.csv", store.backend, *options))
    assert sorted(rows["source"]) == sources
    assert {*rows["pair"]} == {"UZS/USD" if options[1] == "UZS" else options[1]}


def test_resampled_csv_is_that_of_resample_and_wide_its_closes(two_days, export):
    options = ("--every", "day", "--source", "timesca", "--pair", "KZT/USD")
    [row] = pd.read_csv(export("r.csv", two_days, *options)).to_dict("records")
    assert (row["open"], row["close"], row["count"]) == (0.00191, 0.00192, 2)
    closes = export("w.csv", two_days, "--wide", *options).read_text()
    assert closes == "start_at,KZT/USD close,whole\n2025-11-14T00:00:00.000000Z,0.00192,False\n"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("timesca", "1 of 2 rows are not whole, 1 of 2 rows are not known to be whole; "),
        ("cbr", "1 of 1 rows are not known to be whole; "),
    ],
)
def test_periods_that_are_not_whole_are_counted(two_days, source, told):
    options = ("--every", "day", "--source", source, "--store", str(two_days))
    shown = CliRunner().invoke(app, ["export", "-", "--wide", *options])
    assert shown.stderr.endswith(
        f"fxticker: {told}the column whole says which; without --wide the file has close_at, too\n"
    )
    whole = pd.read_csv(io.StringIO(shown.stdout))["whole"].astype("boolean")
    assert f"{whole.isna().sum()} of {len(whole)} rows are not known" in told
    longer = CliRunner().invoke(app, ["export", "-", *options])
    rows = pd.read_csv(io.StringIO(longer.stdout))["whole"].astype("boolean")
    assert longer.stderr.endswith(
        f"{rows.isna().sum()} of {len(rows)} rows are not known to be whole; the column whole says which\n"
    )


@pytest.mark.parametrize(("every", "bounds"), [((), "rate"), (("--every", "day"), "close")], ids=str)
def test_wide_file_names_the_pairs_whose_bands_it_lacks(two_days, every, bounds):
    options = ("--wide", "--source", "timesca", "--store", str(two_days))
    told = CliRunner().invoke(app, ["export", "-", *every, *options]).stderr
    assert (
        "width of bands by the printed digits: UZS/USD up to 12.5 %; without --wide the file has them, "
        f"as {bounds}_lo and {bounds}_hi\n"
    ) in told
    assert "width" not in CliRunner().invoke(app, ["export", "-", *every, *options, "--pair", "TJS/USD"]).stderr
    cross = CliRunner().invoke(app, ["export", "-", "--pair", "KZT/UZS", *every, *options])
    assert " KZT/UZS up to 13 %; " in cross.stderr
    assert ",23.875" in cross.stdout  # not the nearest quotient of two doubles, 23.874999999999996


@pytest.mark.parametrize("options", [("w.csv", "--wide"), ("p.journal",)], ids=str)
def test_several_sources_are_not_mixed_in_silence(two_days, options):
    shown = CliRunner().invoke(app, ["export", *options, "--store", str(two_days)])
    assert shown.exit_code == 1
    assert "one source, and there are several: cbr, timesca; choose with --source" in str(shown.exception)


@pytest.mark.parametrize(
    "arguments",
    [
        "t.xls",
        "t.xlsx.gz",
        "t",
        "t.csv --sheet-per-pair",
        "t.xlsx --decimal-comma",
        "t.xlsx --wide --sheet-per-pair",
        "t.journal --wide",
        "t.beancount --every day",
        "- --format xlsx --decimal-comma",
    ],
)
def test_what_a_format_cannot_hold_is_wrong_usage(arguments, two_days):
    shown = CliRunner().invoke(app, ["export", *arguments.split(), "--store", str(two_days)])
    assert shown.exit_code == 2


def test_decimal_comma_is_refused_for_a_spreadsheet_with_what_it_shows_itself(two_days):
    shown = CliRunner().invoke(app, ["export", "t.xlsx", "--decimal-comma", "--store", str(two_days)])
    assert shown.stderr.endswith("--decimal-comma: not with xlsx; a spreadsheet shows the decimal mark of its reader\n")


def test_excel_has_dates_numbers_and_texts(two_days, export):
    sheet = openpyxl.load_workbook(export("t.xlsx", two_days)).active
    heading, *rows = sheet.iter_rows()
    names = [cell.value for cell in heading]
    assert "observed_at (UTC)" in names
    [rouble] = [dict(zip(names, row, strict=True)) for row in rows if row[0].value == "UZS/RUB"]
    assert rouble["observed_at (UTC)"].value == datetime(2025, 11, 14, 12)  # noqa: DTZ001  Excel's dates have no zone
    assert rouble["source_date"].value == datetime(2025, 11, 14)  # noqa: DTZ001
    assert rouble["source_date"].number_format == "yyyy-mm-dd"
    assert (rouble["rate"].value, rouble["rate_text"].value, rouble["nominal"].value) == (0.00628322, "62,8322", 10000)
    assert rouble["change_text"].value is None


def test_times_of_another_zone_are_named_with_it(two_days, tmp_path):
    frame = fx.load(two_days, pairs=["KZT/USD"])
    frame["observed_at"] = frame["observed_at"].dt.tz_convert("Asia/Tashkent")
    fx.save_frame(frame, tmp_path / "t.xlsx")
    fx.save_frame(frame, tmp_path / "t.csv")
    heading, first, *_ = openpyxl.load_workbook(tmp_path / "t.xlsx").active.iter_rows(values_only=True)
    assert heading[1] == "observed_at (Asia/Tashkent)"
    assert first[1] == datetime(2025, 11, 14, 17)  # noqa: DTZ001
    assert pd.read_csv(tmp_path / "t.csv")["observed_at"][0] == "2025-11-14T17:00:00.000000+05:00"


def test_excel_has_the_same_numbers(history_store, export):
    sheet = openpyxl.load_workbook(export("w.xlsx", history_store, "--wide")).active
    rows = list(sheet.iter_rows(min_row=2, values_only=True))
    expected = fx.wide(history_store)
    assert [row[0] for row in rows] == expected.index.tz_localize(None).round("ms").to_pydatetime().tolist()
    assert [value for row in rows for value in row[1:]] == [
        None if math.isnan(value) else value for value in expected.to_numpy().ravel().tolist()
    ]


def test_excel_has_a_sheet_per_pair_on_demand(two_days, export):
    book = openpyxl.load_workbook(export("s.xlsx", two_days, "--sheet-per-pair"))
    assert book.sheetnames == ["KGS-USD", "KZT-USD", "TJS-USD", "TMT-USD", "UZS-RUB", "UZS-USD"]
    assert [row[0].value for row in book["KZT-USD"].iter_rows(min_row=2)] == ["KZT/USD", "KZT/USD"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "=HYPERLINK(1)", "https://example.org", "{=1}"])
def test_text_never_becomes_a_formula_or_a_link(text, tmp_path):
    fx.save_frame(pd.DataFrame({"detail": [text]}), tmp_path / "t.xlsx")
    cell = openpyxl.load_workbook(tmp_path / "t.xlsx").active["A2"]
    assert (cell.value, cell.data_type, cell.hyperlink) == (text, "s", None)


def test_texts_of_csv_that_begin_as_a_formula_are_printed_percentages(history_store, export):
    rows = pd.read_csv(export("t.csv", history_store), dtype=str)
    texts = pd.concat([rows[name] for name in rows.columns]).dropna()
    begins = texts[texts.str.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert len(begins)
    assert begins.str.fullmatch(r"-[0-9]+(\.[0-9]+)?%?").all()


def test_table_that_is_too_long_for_a_sheet_is_refused_before_it_is_written(tmp_path):
    with pytest.raises(ValueError, match="1048576 rows, and a sheet of Excel has 1048575"):
        fx.save_frame(pd.DataFrame({"n": range(1_048_576)}), tmp_path / "t.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_missing_excel_writer_is_named_with_its_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(MissingExtra, match=r"pip install 'fxticker\[excel\]'"):
        fx.save_frame(pd.DataFrame({"a": [1]}), tmp_path / "t.xlsx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("ending", "name"), [("xlsx", "decimal_comma"), ("csv", "sheet_by")])
def test_option_that_a_format_would_ignore_is_refused(ending, name, tmp_path):
    frame = pd.DataFrame({"pair": ["KZT/USD"]})
    with pytest.raises(ValueError, match=f"{name} is for"):
        fx.save_frame(frame, tmp_path / f"t.{ending}", **{name: "pair"})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_a_function_returns_can_be_saved(name, two_days, tmp_path):
    frame = FUNCTIONS[name](two_days)
    for ending in ("json", "xlsx", "sqlite"):
        fx.save_frame(frame, tmp_path / f"t.{ending}")
    assert len(json.loads((tmp_path / "t.json").read_text())) == len(frame)
    assert len(pd.read_excel(tmp_path / "t.xlsx")) == len(frame)


def test_sqlite_has_both_tables_with_types_and_indexes(two_days, export):
    database = sqlite3.connect(export("t.sqlite", two_days))
    assert database.execute("SELECT count(*), typeof(rate), typeof(nominal) FROM ticks").fetchone() == (
        8,
        "real",
        "integer",
    )
    found = database.execute(
        "SELECT rate_text, observed_at, strftime('%s', observed_at), source_date FROM ticks WHERE pair = 'UZS/RUB'"
    ).fetchone()
    assert found == ("62,8322", "2025-11-14T12:00:00.000000Z", "1763121600", "2025-11-14")
    assert database.execute("SELECT slot, outcome, http_status, duration_ms FROM polls").fetchall() == [
        ("2025-11-14T12:00:00.000000Z", "ok", 200, None)
    ]
    plan = database.execute("EXPLAIN QUERY PLAN SELECT * FROM ticks WHERE pair = 'KZT/USD' AND observed_at > '2025'")
    assert "USING INDEX" in plan.fetchall()[0][-1]
    frame = pd.read_sql("SELECT * FROM ticks", database, parse_dates=["observed_at"])
    assert str(frame["observed_at"].dt.tz) == "UTC"
    database.close()


def test_database_with_other_tables_is_not_replaced(two_days, export, tmp_path):
    export("t.db", two_days)
    export("t.db", two_days)
    with sqlite3.connect(tmp_path / "t.db") as database:
        database.execute("CREATE TABLE mine (a)")
    database.close()
    before = (tmp_path / "t.db").read_bytes()
    shown = CliRunner().invoke(app, ["export", "t.db", "--store", str(two_days)])
    assert shown.exit_code == 1
    assert "other tables (mine)" in str(shown.exception)
    assert (tmp_path / "t.db").read_bytes() == before


def test_price_lines_are_the_last_rate_of_each_day_per_unit(two_days, export):
    options = ("--source", "timesca", "--pair", "KZT/USD", "--pair", "UZS/USD")
    assert export("p.journal", two_days, *options).read_text() == (
        "; timesca: the last rate of each day (UTC), for one unit\n"
        "P 2025-11-14 KZT 0.00192 USD\n"
        "P 2025-11-14 UZS 0.00008 USD\n"
        "P 2025-11-15 UZS 0.00008 USD\n"
    )
    roubles = export("p.beancount", two_days, "--source", "cbr").read_text().splitlines()
    assert roubles[1:] == ["2025-11-14 price UZS 0.00628322 RUB"]
    inverse = export("-", two_days, "--format", "ledger", "--source", "timesca", "--pair", "USD/KZT").decode()
    assert inverse.splitlines()[1:] == ["P 2025-11-14 USD 520.8 KZT"]


@pytest.mark.parametrize(
    ("text", "nominal", "price"),
    [("0.09190", 1, "0.09190"), ("12.50", 100, "0.1250"), ("7", 1, "7"), ("2500.0", 1, "2500.0")],
)
def test_price_line_has_the_printed_zeros(root, export, text, nominal, price):
    Store(root).append([tick("KZT/USD", text, None, nominal=nominal, rate=float(text) / nominal)])
    (line,) = export("p.journal", root).read_text().splitlines()[1:]
    assert line.split()[3] == price


BOOK = """
include p.journal

2025-11-20 rent
  expenses:rent    100000 KZT
  assets:cash
"""


@pytest.mark.parametrize("program", ["hledger", "ledger"])
def test_price_lines_are_read_by(program, history_store, export, tmp_path):
    if which(program) is None:
        pytest.skip(f"{program} is not installed")
    export("p.journal", history_store)
    (tmp_path / "book").write_text(BOOK)
    command = [program, "-f", "book", "balance", "rent", "-X", "USD", "--end", "2025-11-21"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True, timeout=20)
    assert "191" in shown.stdout  # 100,000 KZT at 0.00191


def test_price_lines_are_read_by_beancount(history_store, export):
    loader = pytest.importorskip("beancount.loader", reason="beancount is not installed")
    prices = pytest.importorskip("beancount.core.prices")
    entries, errors, _ = loader.load_file(str(export("p.beancount", history_store)))
    assert errors == []
    found = prices.get_price(prices.build_price_map(entries), ("KZT", "USD"), date(2025, 11, 20))
    assert str(found[1]) == "0.00191"


INTERRUPTED = """
import os, signal, sys
import fxticker.cli.export as command
from fxticker.cli import main
write = command.write_tables
def write_and_interrupt(tables, file, *arguments, **options):
    write(tables, file, *arguments, **options)
    os.kill(os.getpid(), signal.SIGINT)
command.write_tables = write_and_interrupt
main()
"""


@pytest.mark.slow
def test_interrupted_export_leaves_the_old_file(two_days, tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("old")
    command = [sys.executable, "-c", INTERRUPTED, "export", file, "--store", two_days]
    shown = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    assert (shown.returncode, shown.stdout, shown.stderr) == (130, "", "")
    assert file.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store", "t.csv"]


FULL_DISK = """
import resource, signal
from fxticker.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["csv", "csv.gz", "json", "parquet", "xlsx", "sqlite", "journal", "png"])
def test_full_disk_leaves_the_old_file_and_says_so(ending, history_store, tmp_path):
    name = f"t.{ending}"
    words = ["plot", "history", "-o"] if ending == "png" else ["export"]
    (tmp_path / name).write_text("old")
    command = [sys.executable, "-c", FULL_DISK, *words, name, "--store", history_store]
    shown = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert (shown.returncode, shown.stdout, shown.stderr.count("\n")) == (1, "", 1)
    assert name in shown.stderr
    assert (tmp_path / name).read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == [name]
