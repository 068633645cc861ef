import io
import os
import sys
import threading
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import NOON, TICKER, FixedClock, snapshot_ticks

import fxticker as fx
from fxticker.backfill.page_files import FilePage, StdinPage, find_pages
from fxticker.backfill.parquet_files import batches
from fxticker.backfill.saved_pages import ImportSummary, import_pages
from fxticker.errors import WriteFailed
from fxticker.model.records import PrintedTick, Retraction
from fxticker.simulation.captures import read_captures
from fxticker.simulation.site import render_html, render_text
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.local import FileCalls, LocalStorage
from fxticker.store.store import Store


def printed(*entries):
    return [PrintedTick(*entry) for entry in entries]


TODAY = printed(*TICKER)
DAY = date(2025, 11, 14)
THE_13TH = printed(
    ("KGS/USD", "0.01144", "0%"),
    ("KZT/USD", "0.00191", "0%"),
    ("TJS/USD", "0.10798", "0%"),
    ("UZS/USD", "0.00008", "0%"),
    ("TMT/USD", "0.28571", "0%"),
)


@pytest.fixture
def pages(tmp_path):
    folder = tmp_path / "pages"
    folder.mkdir()
    return folder


def save(folder, name, text):
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return str(file)


def save_today(folder, name="a.txt"):
    return save(folder, name, render_text(TODAY, DAY))


def bring_in(store, *arguments, **options):
    return import_pages(find_pages(map(str, arguments)), source=SOURCE, store=store, **options)


# The acceptance: two saved pages, ten rows, one drift that the digits can show


@pytest.fixture
def two_days(pages, store):
    save(pages, "a.txt", render_text(THE_13TH, date(2025, 11, 13)))
    save(pages, "b.txt", render_text(TODAY, date(2025, 11, 14)))
    summary = bring_in(store, pages)
    assert (summary.pages, summary.added, summary.known, summary.refused) == (2, 10, 0, [])
    return store


def test_two_saved_pages_give_ten_rows_as_printed(two_days):
    rows = fx.load(two_days)[["observed_at", "pair", "rate_text", "change_text"]]
    assert [(f"{at:%d}", *texts) for at, *texts in rows.itertuples(index=False)] == [
        ("13", "KGS/USD", "0.01144", "0%"),
        ("13", "KZT/USD", "0.00191", "0%"),
        ("13", "TJS/USD", "0.10798", "0%"),
        ("13", "TMT/USD", "0.28571", "0%"),
        ("13", "UZS/USD", "0.00008", "0%"),
        ("14", "KGS/USD", "0.01144", "0%"),
        ("14", "KZT/USD", "0.00191", "-0%"),
        ("14", "TJS/USD", "0.10840", "0.37%"),
        ("14", "TMT/USD", "0.28571", "0%"),
        ("14", "UZS/USD", "0.00008", "0%"),
    ]
    assert set(rows["observed_at"]) == {datetime(2025, 11, 13, tzinfo=UTC), datetime(2025, 11, 14, tzinfo=UTC)}


def test_drift_between_two_saved_pages_is_within_the_printed_digits(two_days):
    drift = fx.drift(two_days, start="2025-11-13", end="2025-11-14").set_index("pair")
    assert drift["significant"].to_dict() == {
        "KGS/USD": False,
        "KZT/USD": False,
        "TJS/USD": True,
        "TMT/USD": False,
        "UZS/USD": False,
    }
    tajik, uzbek = drift.loc["TJS/USD"], drift.loc["UZS/USD"]
    assert tajik["drift_pct"] == pytest.approx(0.389, abs=0.0005)
    assert (tajik["drift_lo_pct"], tajik["drift_hi_pct"]) == pytest.approx((0.380, 0.398), abs=0.0005)
    assert uzbek["drift_pct"] == 0
    assert (uzbek["drift_lo_pct"], uzbek["drift_hi_pct"]) == pytest.approx((-11.8, 13.3), abs=0.05)


# Which pages


def test_folder_includes_all_files_below_it_except_hidden_ones(pages):
    for name in ("b.txt", "a.html", "deep/er/c.htm", ".hidden", ".git/d.txt"):
        save(pages, name, "")
    assert [page.name for page in find_pages([str(pages)])] == [
        f"{pages}/a.html",
        f"{pages}/b.txt",
        f"{pages}/deep/er/c.htm",
    ]


def test_hidden_folder_is_read_if_it_is_named(pages):
    save(pages, ".saved/a.txt", "")
    assert [page.name for page in find_pages([f"{pages}/.saved"])] == [f"{pages}/.saved/a.txt"]


def test_pattern_includes_its_matches(pages):
    for name in ("a1.txt", "a2.txt", "b1.txt", "deep/a3.txt"):
        save(pages, name, "")
    assert [page.name for page in find_pages([f"{pages}/a*.txt"])] == [f"{pages}/a1.txt", f"{pages}/a2.txt"]
    assert len(find_pages([f"{pages}/**/a*.txt"])) == 3


def test_pattern_that_matches_a_folder_includes_its_files(pages):
    save(pages, "y2024/a.txt", "")
    save(pages, "y2025/deep/b.txt", "")
    assert [page.name for page in find_pages([f"{pages}/y*"])] == [
        f"{pages}/y2024/a.txt",
        f"{pages}/y2025/deep/b.txt",
    ]


def test_pattern_may_match_a_folder_named_like_a_pattern(pages):
    save(pages, "saved [2025]/a.txt", "")
    assert [page.name for page in find_pages([f"{pages}/saved*"])] == [f"{pages}/saved [2025]/a.txt"]


@pytest.mark.parametrize("name", ["page [1].txt", "page*.txt", "what?.txt", "-.txt"])
def test_file_named_like_a_pattern_is_that_file(pages, name):
    save(pages, "page 1.txt", "")
    assert [page.name for page in find_pages([save(pages, name, "")])] == [f"{pages}/{name}"]


def test_page_named_twice_is_read_once(pages, monkeypatch):
    file = save(pages, "a.txt", "")
    monkeypatch.chdir(pages)
    assert find_pages([file, "a.txt", str(pages), f"{pages}/*.txt", "-", "-"]) == [FilePage(Path(file)), StdinPage()]


@pytest.mark.parametrize("argument", ["none.txt", "none/", "*.none", ""])
def test_argument_without_files_is_refused_by_name(pages, argument):
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        find_pages([f"{pages}/nothing{argument}"])


def test_standard_input_is_a_page(store, monkeypatch):
    page = render_html(TODAY, DAY).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(page)))
    summary = bring_in(store, "-")
    assert (summary.pages, summary.added) == (1, 5)


def test_text_and_html_of_one_page_give_the_same_rows(pages, store):
    first = bring_in(store, save_today(pages))
    second = bring_in(store, save(pages, "a.html", render_html(TODAY, DAY)))
    assert (first.added, first.known) == (5, 0)
    assert (second.added, second.known) == (0, 5)


# When a page was


def test_page_is_stored_at_its_printed_date(pages, store):
    bring_in(store, save_today(pages))
    ticks = fx.load(store)
    assert set(ticks["observed_at"]) == {datetime(2025, 11, 14, tzinfo=UTC)}
    assert set(ticks["time_basis"]) == {"date"}
    assert set(ticks["origin"]) == {"page"}
    assert [f"{day:%Y-%m-%d}" for day in ticks["source_date"].unique()] == ["2025-11-14"]


@pytest.mark.parametrize(
    ("observed_at", "instant", "basis"),
    [
        ("2025-11-15", datetime(2025, 11, 15, tzinfo=UTC), "date"),
        (date(2025, 11, 15), datetime(2025, 11, 15, tzinfo=UTC), "date"),
        ("2025-11-15T08:30Z", datetime(2025, 11, 15, 8, 30, tzinfo=UTC), "capture"),
        ("2025-11-15T08:30", datetime(2025, 11, 15, 8, 30, tzinfo=UTC), "capture"),
        ("2025-11-15T00:00Z", datetime(2025, 11, 15, tzinfo=UTC), "capture"),
        ("2025-11-15T08:30+06:00", datetime(2025, 11, 15, 2, 30, tzinfo=UTC), "capture"),
        (
            datetime(2025, 11, 15, 8, 30, tzinfo=timezone(timedelta(hours=6))),
            datetime(2025, 11, 15, 2, 30, tzinfo=UTC),
            "capture",
        ),
    ],
)
@pytest.mark.parametrize("page_date", [DAY, None])
def test_observed_at_takes_precedence_over_the_printed_date(pages, store, observed_at, instant, basis, page_date):
    file = save(pages, "a.txt", render_text(TODAY, page_date))
    assert bring_in(store, file, observed_at=observed_at).added == 5
    ticks = fx.load(store)
    assert set(ticks["observed_at"]) == {instant}
    assert set(ticks["time_basis"]) == {basis}
    assert list(ticks["source_date"].isna()) == [page_date is None] * 5


def test_invalid_observed_at_is_refused_before_anything_is_stored(pages, store, tmp_path):
    file = save_today(pages)
    with pytest.raises(ValueError, match="'yesterday' is no date or instant"):
        bring_in(store, file, observed_at="yesterday")
    assert not (tmp_path / "parquet").exists()


def test_page_without_a_date_is_refused_by_name_and_the_import_continues(pages, store):
    save(pages, "a.txt", render_text(TODAY, None))
    save_today(pages, "b.txt")
    summary = bring_in(store, pages)
    [(name, reason)] = summary.refused
    assert (summary.pages, summary.added) == (2, 5)
    assert name == f"{pages}/a.txt"
    assert "--observed-at" in reason


# Pages that cannot be used


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no ticker"),
        ("<html><body>Nothing here</body></html>", "no ticker"),
        ("<html><p>Checking your browser</p></html>", "challenge"),
        (render_text(TODAY, DAY) + render_text(THE_13TH, DAY), "KZT/USD is printed as 0.00191 -0% and as"),
        (render_text(TODAY, DAY)[:250], "0.285 without a change"),
    ],
)
def test_unreadable_page_is_refused_by_name_and_the_import_continues(pages, store, text, reason):
    save(pages, "a.txt", text)
    save_today(pages, "b.txt")
    summary = bring_in(store, pages)
    [(name, given)] = summary.refused
    assert name == f"{pages}/a.txt"
    assert reason in given
    assert (summary.pages, summary.added) == (2, 5)


def test_too_large_file_is_refused_by_name_and_the_import_continues(pages, store):
    save_today(pages)
    os.truncate(pages / "a.txt", 50_000_001)
    save_today(pages, "b.txt")
    summary = bring_in(store, pages)
    assert summary.refused == [(f"{pages}/a.txt", "larger than 50000000 bytes: no page")]
    assert (summary.pages, summary.added) == (2, 5)


def test_missing_file_is_refused_by_name_and_the_import_continues(pages, store):
    good = save_today(pages, "b.txt")
    gone = FilePage(pages / "gone.txt")
    summary = import_pages([gone, FilePage(Path(good))], source=SOURCE, store=store)
    assert summary.refused == [(f"{pages}/gone.txt", "No such file or directory")]
    assert (summary.pages, summary.added) == (2, 5)


def test_no_page_is_no_error(store):
    summary = import_pages([], source=SOURCE, store=store)
    assert (summary.pages, summary.added, summary.known, summary.refused) == (0, 0, 0, [])


def test_store_that_refuses_a_page_ends_the_import(pages, tmp_path):
    calls = FileCalls()

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    calls.write = full
    file = save_today(pages)
    with pytest.raises(WriteFailed, match="No space left"):
        bring_in(Store(LocalStorage(tmp_path / "store", calls)), file)


# What is stored already


def test_importing_again_adds_nothing(two_days, pages):
    summary = bring_in(two_days, pages)
    assert (summary.pages, summary.added, summary.known) == (2, 0, 10)
    assert len(fx.load(two_days)) == 10


def test_pages_of_one_date_with_different_values_are_all_kept(pages, store):
    morning = printed(*TICKER[:2], ("TJS/USD", "0.10835", "0.32%"), *TICKER[3:])
    save(pages, "a.txt", render_text(morning, DAY))
    save_today(pages, "b.txt")
    summary = bring_in(store, pages)
    assert (summary.added, summary.known) == (6, 4)
    assert list(fx.load(store, pairs=["TJS/USD"])["rate_text"]) == ["0.10835", "0.10840"]


def test_other_sign_of_zero_is_another_row(pages, store):
    save_today(pages)
    save(pages, "b.txt", render_text(printed(TICKER[0], ("KZT/USD", "0.00191", "0%"), *TICKER[2:]), DAY))
    assert bring_in(store, pages).added == 6
    assert sorted(fx.load(store, pairs=["KZT/USD"])["change_text"]) == ["-0%", "0%"]


@pytest.mark.slow
def test_pages_of_more_than_one_batch_are_all_stored(pages, store):
    file = FilePage(Path(save(pages, "a.txt", render_text(TODAY, DAY, copies=1))))
    summary = import_pages([file] * 4_100, source=SOURCE, store=store)
    assert (summary.pages, summary.added, summary.known) == (4_100, 5, 20_495)


@pytest.mark.parametrize("observed_at", ["2205-11-14", "1969-12-31", "9999-12-31T23:00Z"])
def test_page_of_the_future_or_before_1970_is_refused(tmp_path, observed_at):
    page = tmp_path / "page.txt"
    capture = read_captures()[0]
    page.write_text(render_text(capture.ticks, capture.page_date))
    summary = import_pages([FilePage(page)], source=SOURCE, store=Store(tmp_path / "store"), observed_at=observed_at)
    assert summary.added == 0
    assert "before 1970 or in the future" in summary.refused[0][1]


def test_folder_without_files_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="a folder without files"):
        find_pages([str(tmp_path)])


def test_link_to_itself_is_refused_by_name(tmp_path):
    (tmp_path / "self").symlink_to(tmp_path / "self")
    summary = bring_in(Store(tmp_path / "store"), tmp_path)
    assert [name for name, _ in summary.refused] == [str(tmp_path / "self")]


# tables


@pytest.fixture
def saved(tmp_path):
    """A store with two pages, and its export."""
    saved_store = Store(tmp_path / "saved")
    saved_store.append(snapshot_ticks() + snapshot_ticks(NOON + timedelta(days=30)))
    fx.load(saved_store, bands=True).to_parquet(tmp_path / "export.parquet", index=False)
    return saved_store


def test_export_can_be_imported_and_again_adds_nothing(saved, store, tmp_path):
    first = bring_in(store, tmp_path / "export.parquet")
    again = bring_in(store, tmp_path / "export.parquet")

    assert (first.pages, first.added, first.known, first.refused) == (1, 10, 0, [])
    assert (again.added, again.known) == (0, 10)
    assert fx.load(store)["rate_text"].tolist() == fx.load(saved)["rate_text"].tolist()


def test_folder_of_another_store_can_be_imported(saved, store, tmp_path):
    summary = bring_in(store, tmp_path / "saved" / "ticks")

    assert (summary.pages, summary.added, summary.refused) == (2, 10, [])
    assert fx.load(store)["source"].unique().tolist() == ["timesca"]


def retract(saved):
    """Retract the rate of KZT of the first page."""
    [row] = fx.load(saved, pairs=["KZT/USD"], end=NOON + timedelta(days=1)).to_dict("records")
    saved.retract(
        [Retraction("timesca", "KZT/USD", NOON, row["rate_text"], row["change_text"], 2, "reparse: another digit")]
    )


@pytest.mark.parametrize("part", ["", "source=timesca/month=2025-11", "source=timesca/month=2025-11/00000.parquet"])
def test_retracted_ticks_of_another_store_are_not_imported(saved, store, tmp_path, monkeypatch, part):
    retract(saved)
    monkeypatch.chdir(tmp_path / "saved" / "ticks")

    summary = bring_in(store, part or ".")

    assert (summary.added, summary.refused) == (9 if not part else 4, [])
    expected = fx.load(saved, end=None if not part else NOON + timedelta(days=1))
    assert fx.load(store)[["pair", "observed_at"]].equals(expected[["pair", "observed_at"]])


def test_evidence_of_another_store_is_no_page(store, tmp_path, pages):
    bring_in(Store(tmp_path / "saved"), save_today(pages))

    summary = bring_in(store, tmp_path / "saved")

    assert (summary.pages, summary.added) == (2, 5)
    [(name, reason)] = summary.refused
    assert "/evidence/source=timesca/" in name
    assert reason == "a piece of evidence: import the folder `ticks` of its store; not a page"


def test_store_whose_retractions_are_damaged_is_refused_by_name(saved, store, tmp_path):
    retract(saved)
    [path] = (tmp_path / "saved" / "retractions").rglob("*.parquet")
    path.write_bytes(path.read_bytes()[:-1])

    summary = bring_in(store, tmp_path / "saved" / "ticks")

    assert summary.added == 0
    assert all("retractions of its store that cannot be read" in reason for _, reason in summary.refused)
    assert len(summary.refused) == 2


def test_pages_and_tables_can_be_imported_together(saved, store, pages, tmp_path):
    page = save(pages, "page.txt", render_text(TODAY, DAY))

    summary = bring_in(store, page, tmp_path / "export.parquet")

    assert (summary.pages, summary.added) == (2, 15)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda table: table.drop_columns(["source"]), "no column source"),
        (lambda table: table.drop_columns(["rate_text"]), "no column rate_text"),
        (
            lambda table: table.set_column(table.column_names.index("rate"), "rate", pa.array([0.5] * 10)),
            "rate 0.5 where the text is",
        ),
        (lambda table: pa.table({"a": [1, 2]}), "no column source"),
    ],
)
def test_table_without_ticks_is_refused_by_name_and_the_import_continues(saved, store, tmp_path, change, named):
    pq.write_table(change(pq.read_table(tmp_path / "export.parquet")), tmp_path / "bad.parquet")

    summary = bring_in(store, tmp_path / "bad.parquet", tmp_path / "export.parquet")

    assert summary.added == 10
    [(name, reason)] = summary.refused
    assert name == str(tmp_path / "bad.parquet")
    assert named in reason


def test_ticks_in_the_future_are_refused(saved, store, tmp_path):
    summary = bring_in(store, tmp_path / "export.parquet", clock=FixedClock(NOON))

    assert [reason for _, reason in summary.refused] == ["ticks before 1970 or in the future"]
    assert summary.added == 0


@pytest.mark.parametrize("kept", [4, 100, -1, -100])
def test_truncated_table_is_refused_by_name(saved, store, tmp_path, kept):
    content = (tmp_path / "export.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(content[:kept])

    summary = bring_in(store, tmp_path / "cut.parquet")

    [(_, reason)] = summary.refused
    assert reason.startswith("a Parquet file that cannot be read: ")


def test_store_that_refuses_a_table_ends_the_import(saved, tmp_path):
    class Full(FileCalls):
        @staticmethod
        def write(handle, data):
            raise OSError(28, "No space left on device")

    with pytest.raises(WriteFailed, match="No space left"):
        bring_in(Store(LocalStorage(tmp_path / "full", Full())), tmp_path / "export.parquet")


def test_batches_of_a_table_are_bounded(saved, store, tmp_path):
    tables = list(batches(tmp_path / "export.parquet", NOON + timedelta(days=31), batch_rows=3))

    assert [len(table) for table in tables] == [3, 3, 3, 1]
    assert sum(step.added for table in tables for step in store.append_by_month(table)) == 10
    assert store.check() == []


def test_page_from_a_pipe_is_read_once(store, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_text(render_text(TODAY, DAY), "utf-8"))
    writer.start()

    summary = bring_in(store, tmp_path / "pipe")

    writer.join(timeout=10)
    assert (summary.added, summary.refused) == (5, [])


def test_linked_folders_are_followed_once(saved, store, tmp_path):
    linked = tmp_path / "links"
    linked.mkdir()
    (linked / "store").symlink_to(tmp_path / "saved" / "ticks")
    (linked / "loop").symlink_to(linked)

    assert bring_in(store, linked).added == 10


@pytest.mark.slow
def test_flipped_bit_of_a_segment_is_refused_or_harmless(saved, tmp_path):
    [path, _] = sorted((tmp_path / "saved").rglob("*.parquet"))
    content = path.read_bytes()
    expected = fx.load(saved)["rate_text"].tolist()[:5]

    for position in range(0, len(content), 7):
        damaged = bytearray(content)
        damaged[position] ^= 1 << position % 8
        folder = tmp_path / str(position) / "source=timesca"
        folder.mkdir(parents=True)
        (folder / "00000.parquet").write_bytes(damaged)
        target = Store(tmp_path / str(position) / "store")
        summary = bring_in(target, folder)
        if summary.added:
            assert fx.load(target)["rate_text"].tolist() == expected
        else:
            assert len(summary.refused) == 1


def test_interrupted_import_counts_stored_rows(saved, tmp_path):
    class FullLater(FileCalls):
        left = 3  # the store's id, and a segment for each of two months

        def replace(self, source, target):
            self.left -= 1
            if self.left < 0:
                raise OSError(28, "No space left on device")
            FileCalls.replace(source, target)

    summary = ImportSummary()
    fx.load(saved).assign(observed_at=lambda rows: rows["observed_at"] - pd.Timedelta(days=90)).to_parquet(
        tmp_path / "more.parquet"
    )
    target = Store(LocalStorage(tmp_path / "full", FullLater()))

    with pytest.raises(WriteFailed):
        bring_in(target, tmp_path / "export.parquet", tmp_path / "more.parquet", summary=summary)

    assert summary.added == len(fx.load(tmp_path / "full")) == 10


def test_parquet_file_on_standard_input_is_refused(store, saved, tmp_path, monkeypatch):
    class Stdin:
        buffer = (tmp_path / "export.parquet").open("rb")

    monkeypatch.setattr(sys, "stdin", Stdin)
    with Stdin.buffer:
        summary = import_pages([StdinPage()], source=SOURCE, store=store)

    assert "save it, and name the file" in summary.refused[0][1]
