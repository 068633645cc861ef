import gzip
import io
import json
from datetime import date, datetime, timedelta

import pandas as pd
import pytest
from builders import NOON, snapshot_ticks, tick
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from laws import law

import fxticker as fx
from fxticker.backfill.page_files import find_pages
from fxticker.backfill.saved_pages import import_pages
from fxticker.backfill.text_tables import form_of, text_batches
from fxticker.cli.export import export
from fxticker.cli.import_files import import_
from fxticker.cli.store import history, latest
from fxticker.errors import SchemaMismatch
from fxticker.model.records import Origin, TimeBasis
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.store import Store

LATEST = NOON + timedelta(days=1000)
TICKS = [
    *snapshot_ticks(NOON + timedelta(microseconds=123_456)),
    *snapshot_ticks(datetime.fromisoformat("2025-11-15T00:00:00+00:00"), time_basis=TimeBasis.DATE, source_date=None),
    tick("KZT/USD", "0.00191", None, NOON + timedelta(hours=1), origin=Origin.ARCHIVE, time_basis=TimeBasis.CAPTURE),
    tick("USD/UZS", "12194,210", None, NOON, source="cbu", rate=12194.21, source_date=date(2025, 11, 15)),
    tick("KRW/UZS", "87.5", None, NOON, source="cbu", rate=0.0875, nominal=1000),
    tick("USD/TMT", "3.5", None, NOON, source="tmt-peg", origin=Origin.CONSTANT),
]
SOUND = {
    "source": "timesca",
    "pair": "TJS/USD",
    "observed_at": "2025-11-14T12:00:00.000000Z",
    "time_basis": "clock",
    "rate": 0.1084,
    "rate_text": "0.10840",
    "nominal": 1,
    "change_pct": 0.37,
    "change_text": "0.37%",
    "source_date": "2025-11-14",
    "origin": "live",
    "rate_lo": 0.108395,
    "rate_hi": 0.108405,
}


@pytest.fixture
def saved(tmp_path):
    saved_store = Store(tmp_path / "saved")
    saved_store.append(TICKS)
    return saved_store


def run(command, *arguments):
    shown = CliRunner().invoke(command, [*map(str, arguments)])
    assert shown.exit_code == 0, shown.output
    return shown.stdout


def rows_of(store):
    frame = fx.load(store).drop(columns=["recorded_at"]).sort_values(["source", "pair", "observed_at", "rate_text"])
    return [[str(cell) for cell in row] for row in frame.to_numpy().tolist()]


def bring_in(store, *files):
    return import_pages(find_pages(map(str, files)), source=SOURCE, store=store)


def read(text, form="json", **options):
    body = text if isinstance(text, bytes) else text.encode()
    return list(text_batches(io.BytesIO(body), form, LATEST, **options))


def as_csv(*rows):
    return pd.DataFrame(rows).to_csv(index=False)


# Lossless


@pytest.mark.parametrize("name", ["all.csv", "all.json", "all.parquet"])
def test_export_is_imported_without_loss_and_again_adds_nothing(saved, store, tmp_path, name):
    run(export, tmp_path / name, "--store", tmp_path / "saved")
    summary = bring_in(store, tmp_path / name)
    assert (summary.added, summary.refused) == (len(TICKS), [])
    assert rows_of(store) == rows_of(saved)
    assert bring_in(store, tmp_path / name).known == len(TICKS)


@pytest.mark.parametrize("form", ["csv", "json"])
def test_printed_history_is_imported_without_loss(saved, store, tmp_path, form):
    (tmp_path / "shown").write_text(run(history, "--store", tmp_path / "saved", "--format", form))
    summary = bring_in(store, tmp_path / "shown")
    assert (summary.added, summary.refused) == (len(TICKS), [])
    assert rows_of(store) == rows_of(saved)


@pytest.mark.parametrize("form", ["csv", "json"])
def test_printed_last_ticks_are_imported(saved, store, tmp_path, form):
    (tmp_path / "shown").write_text(run(latest, "--store", tmp_path / "saved", "--format", form))
    summary = bring_in(store, tmp_path / "shown")
    assert (summary.added, summary.refused) == (8, [])
    assert all(row in rows_of(saved) for row in rows_of(store))


@pytest.mark.parametrize("pack", [gzip.compress, lambda data: b"\xef\xbb\xbf" + data])
@pytest.mark.parametrize("name", ["all.csv", "all.json"])
def test_packed_and_marked_exports_are_read(saved, store, tmp_path, name, pack):
    run(export, tmp_path / name, "--store", tmp_path / "saved")
    (tmp_path / "other").write_bytes(pack((tmp_path / name).read_bytes()))
    assert bring_in(store, tmp_path / "other").added == len(TICKS)


def test_export_on_standard_input_is_read(saved, tmp_path):
    run(export, tmp_path / "all.csv", "--store", tmp_path / "saved")
    content = (tmp_path / "all.csv").read_bytes()
    shown = CliRunner().invoke(import_, ["-", "--store", str(tmp_path / "parquet")], input=content)
    assert f"{len(TICKS)} rows added" in shown.stdout


TEXTS = st.decimals(min_value="0.00001", max_value="99999", places=5).map(lambda value: f"{value:f}")
CHANGES = st.none() | st.decimals(min_value=-99, max_value=99, places=2).map(lambda value: f"{value:f}%")


@law(30)
@given(texts=st.lists(st.tuples(TEXTS, CHANGES, st.sampled_from([1, 10, 100, 10_000])), min_size=1, max_size=5))
def test_any_printed_text_survives_both_forms(texts):
    rows = [{**SOUND, "rate_text": rate, "change_text": change, "nominal": nominal} for rate, change, nominal in texts]
    for row in rows:
        for name in ("rate", "change_pct", "rate_lo", "rate_hi"):
            del row[name]
    for form, text in (("csv", as_csv(*rows)), ("json", json.dumps(rows))):
        [table] = read(text, form)
        shown = list(
            zip(*(table.column(name).to_pylist() for name in ("rate_text", "change_text", "nominal")), strict=True)
        )
        assert shown == texts


# What is refused


CHANGED = [
    ({"rate_text": "0.1084"}, "rate_lo '0.108395' does not follow from the text"),
    ({"rate": 0.1085}, "rate '0.1085' does not follow"),
    ({"rate_text": "0,1084"}, "rate_lo"),
    ({"change_text": "0.38%"}, "change_pct '0.37' does not follow"),
    ({"change_text": None}, "change_pct '0.37' does not follow"),
    ({"rate_text": "0.10840x"}, "not a number"),
    ({"rate_text": None}, "not a number"),
    ({"rate_text": 0.1084}, "where a text is expected"),
    ({"nominal": 0, "rate": None}, "nominal 0"),
    ({"nominal": "1.0"}, "nominal '1.0'"),
    ({"nominal": -1}, "nominal '-1'"),
    ({"nominal": None}, "nominal ''"),
    ({"nominal": 9_999_999_999}, "nominal"),
    ({"observed_at": "2025-11-14T12:00:00"}, "no instant with its zone"),
    ({"observed_at": "2025-11-14"}, "no instant with its zone"),
    ({"observed_at": 1763121600000}, "no instant with its zone"),
    ({"observed_at": "2025-02-30T12:00:00Z"}, "day is out of range"),
    ({"observed_at": "2125-11-14T12:00:00Z"}, "in the future"),
    ({"observed_at": "1925-11-14T12:00:00Z"}, "before 1970"),
    ({"source_date": "14.11.2025"}, "no day"),
    ({"source_date": "2025-11-31"}, "day is out of range"),
    ({"pair": "TJS-USD"}, "no pair"),
    ({"pair": None}, "without pair"),
    ({"source": "../x"}, "source"),
    ({"origin": "me"}, "origin 'me' is none of"),
    ({"time_basis": None}, "without time_basis"),
    ({"time_basis": "date"}, "not at 00:00"),
]


@pytest.mark.parametrize(("change", "reason"), CHANGED)
def test_row_that_was_changed_is_refused_with_its_reason(change, reason):
    with pytest.raises(SchemaMismatch, match=reason):
        read(json.dumps([SOUND, {**SOUND, **change}]))


@pytest.mark.parametrize(
    ("change", "reason"), [pair for pair in CHANGED if not isinstance(pair[0].get("rate_text"), float)]
)
def test_changed_row_is_refused_in_csv_too(change, reason):
    rows = [{name: "" if cell is None else str(cell) for name, cell in {**SOUND, **change}.items()}]
    with pytest.raises(SchemaMismatch, match=reason):
        read(as_csv(*rows), "csv")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("[]", "json"),
        ("", "json"),
        ("[", "json"),
        (json.dumps([SOUND])[:-1], "json"),
        (json.dumps([SOUND])[:-20], "json"),
        (json.dumps([SOUND]) + "x", "json"),
        (json.dumps([SOUND, 5]), "json"),
        (json.dumps([SOUND])[:-1] + json.dumps(SOUND) + "]", "json"),
        ("[" * 200_000, "json"),
        ('[{"a": "' + "x" * 300_000, "json"),
        (json.dumps([SOUND]).replace('"nominal"', '"pair"'), "json"),
        (json.dumps([{**SOUND, "pair": "\ud800"}]), "json"),
        (json.dumps([SOUND]).encode() + b"\xff", "json"),
        (as_csv(SOUND).splitlines()[0], "csv"),
        (as_csv(SOUND) + "more\n", "csv"),
        (as_csv(SOUND)[:-30], "csv"),
        (as_csv(SOUND).replace("timesca", '"timesca'), "csv"),
        (as_csv(SOUND).replace("timesca", "times\0ca"), "csv"),
        (as_csv(SOUND).replace("nominal", "pair"), "csv"),
        (as_csv(SOUND).replace("nominal", "units"), "csv"),
        (as_csv(SOUND) + "x" * 300_000, "csv"),
        (as_csv(SOUND).encode() + b"\xff\n", "csv"),
    ],
)
def test_damaged_table_is_refused(text, form):
    with pytest.raises(SchemaMismatch):
        read(text, form)


def test_table_that_lacks_columns_is_refused_by_their_names(store, tmp_path):
    (tmp_path / "a.csv").write_text(as_csv({name: SOUND[name] for name in ("observed_at", "pair", "rate_text")}))
    [(_, reason)] = bring_in(store, tmp_path / "a.csv").refused
    assert reason.startswith("a table of ticks without source, time_basis, nominal, change_text, source_date, origin")


@pytest.mark.parametrize("mark", [";", "\t"])
def test_table_of_a_spreadsheet_is_refused_by_name(store, tmp_path, mark):
    (tmp_path / "a.csv").write_text(as_csv(SOUND).replace(",", mark))
    [(_, reason)] = bring_in(store, tmp_path / "a.csv").refused
    assert "of --decimal-comma or a spreadsheet, which changes digits: import an export with commas" in reason


def test_rows_before_a_bad_one_are_stored_by_batch_and_the_file_is_named():
    text = json.dumps([SOUND] * 5 + [{**SOUND, "rate": 1.0}])
    tables = text_batches(io.BytesIO(text.encode()), "json", LATEST, batch_rows=2)
    assert [len(next(tables)), len(next(tables))] == [2, 2]
    with pytest.raises(SchemaMismatch, match="row 6 of a table of ticks"):
        next(tables)


@pytest.mark.parametrize(
    ("head", "form"),
    [
        (as_csv(SOUND).encode(), "csv"),
        (b'"observed_at","pair","rate_text"\r\n', "csv"),
        (json.dumps([SOUND], indent=1).encode(), "json"),
        (json.dumps(SOUND).encode(), None),
        (b'[{"pair": 1}, {"observed_at": 1, "rate_text": 2}]', None),
        (b"", None),
        (b"observed_at pair rate_text", None),
        (b"<html>observed_at,pair,rate_text", None),
    ],
)
def test_table_of_ticks_is_recognised_by_its_columns(head, form):
    assert form_of(head) == form


def test_rate_of_a_bank_is_per_one_unit_in_what_the_commands_print(store):
    store.append([tick("UZS/RUB", "62,8322", None, source="cbr", nominal=10_000, rate=62.8322 / 10_000)])
    for command in (latest, history):
        shown = CliRunner().invoke(command, ["--format", "json", "--store", str(store.backend)])
        [row] = json.loads(shown.stdout)
        assert (row["rate_text"], row["nominal"], row["rate"]) == ("62,8322", 10_000, 0.00628322)
