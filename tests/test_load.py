"""Loading: every stored row once, sorted, with the documented types, by whatever reader."""

from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from builders import NOON, TICKER, FixedClock, cases, snapshot_ticks, tick

import fxticker as fx
from fxticker.errors import NoData, StoreError
from fxticker.model.records import Origin, Outcome, Poll, TimeBasis
from fxticker.store.local import LocalStorage
from fxticker.store.store import Store

QUARTER = timedelta(minutes=15)
DECEMBER = datetime(2025, 12, 1, tzinfo=UTC)
CASES = cases("load")
COLUMNS, POLL_COLUMNS = CASES["columns"], CASES["poll_columns"]


@pytest.fixture
def store(root):
    """Two sources, two months, five segments, a missing change and two values at one instant."""
    store = Store(root, clock=FixedClock(NOON, step=timedelta(hours=1)), segment_rows=2)
    store.append([tick("KZT/USD", observed_at=DECEMBER), tick("KGS/USD", "0.01144", None, observed_at=DECEMBER)])
    store.append([tick("KZT/USD", "0.00191", "-0%"), tick("KGS/USD", "0.01144", "0%")])
    store.append([tick("KZT/USD", "0.00192", "0.52%"), tick("UZS/USD", "0.00008", "0%")])
    store.append([tick("KZT/USD", "0.001915", None, source="nbk", source_date=None)])
    return store


EXPECTED = [
    ("timesca", "KGS/USD", NOON, "0.01144", "0%"),
    ("timesca", "KZT/USD", NOON, "0.00191", "-0%"),
    ("timesca", "KZT/USD", NOON, "0.00192", "0.52%"),
    ("nbk", "KZT/USD", NOON, "0.001915", None),
    ("timesca", "UZS/USD", NOON, "0.00008", "0%"),
    ("timesca", "KGS/USD", DECEMBER, "0.01144", None),
    ("timesca", "KZT/USD", DECEMBER, "0.00191", "-0%"),
]


def identities(frame):
    plain = frame[["source", "pair", "observed_at", "rate_text", "change_text"]].astype(object)
    return [tuple(row) for row in plain.where(plain.notna(), None).itertuples(index=False)]


def types(frame):
    return {name: str(kind) for name, kind in frame.dtypes.items()}


def category_types(frame):
    return {name: str(frame[name].cat.categories.dtype) for name in frame.columns[frame.dtypes == "category"]}


# load


def test_load_gives_every_row_once_by_instant_and_pair(store, root):
    found = identities(fx.load(root))

    assert sorted(found, key=repr) == sorted(EXPECTED, key=repr)
    assert [row[1:3] for row in found] == [row[1:3] for row in EXPECTED]


def test_rows_of_one_instant_and_pair_are_by_source_and_then_as_recorded(store, root):
    frame = fx.load(root, pairs=["KZT/USD"], end=DECEMBER)

    assert frame["source"].tolist() == ["nbk", "timesca", "timesca"]
    assert frame["rate_text"].tolist() == ["0.001915", "0.00191", "0.00192"]


@pytest.mark.parametrize("as_given", [str, lambda root: root, Store], ids=["text", "path", "store"])
def test_store_may_be_given_as_path_or_open(store, root, as_given):
    assert len(fx.load(as_given(root))) == 7
    assert len(fx.latest(as_given(root))) == 4
    assert len(fx.wide(as_given(root), source="nbk")) == 1


@pytest.mark.parametrize("read", [fx.load, fx.load_polls, fx.wide, fx.latest])
def test_missing_folder_is_a_named_failure(tmp_path, read):
    (tmp_path / "a file").touch()
    with pytest.raises(StoreError, match=r"a file: there is no store here \(no folder\)"):
        read(tmp_path / "a file")
    with pytest.raises(StoreError, match=r"parquett: there is no store here \(no such folder\)"):
        read(tmp_path / "parquett")


def test_reading_changes_nothing_on_disk(store, root):
    before = sorted((path, path.stat().st_mtime_ns) for path in root.rglob("*"))

    fx.load(root)
    fx.load_polls(root)
    fx.latest(root)

    assert sorted((path, path.stat().st_mtime_ns) for path in root.rglob("*")) == before


def test_loaded_columns_have_the_documented_types(store, root):
    frame = fx.load(root)

    assert types(frame) == COLUMNS
    assert list(frame.columns) == list(COLUMNS)
    assert frame.index.equals(pd.RangeIndex(7))


def test_loaded_bands_have_the_documented_types(store, root):
    assert types(fx.load(root, bands=True)) == {**COLUMNS, "rate_lo": "float64", "rate_hi": "float64"}


@pytest.mark.parametrize("bands", [False, True])
@pytest.mark.parametrize("nothing", CASES["nothing_found_is_an_empty_frame"])
def test_nothing_found_is_an_empty_frame_of_the_same_types(store, root, nothing, bands):
    frame = fx.load(root, bands=bands, **nothing)

    assert len(frame) == 0
    assert types(frame) == types(fx.load(root, bands=bands))


@pytest.mark.parametrize("folder", ["empty", "parquet"])
def test_empty_frame_has_the_same_types_and_types_of_categories(store, root, tmp_path, folder):
    (tmp_path / "empty").mkdir()

    empty = fx.load(tmp_path / folder, sources=["ecb"] if folder == "parquet" else None)

    assert len(empty) == 0
    assert types(empty) == COLUMNS
    assert category_types(empty) == category_types(fx.load(root))


def test_loaded_values_are_those_that_were_printed(root):
    Store(root, clock=FixedClock(NOON + QUARTER)).append(
        [tick("UZS/USD", "0.00008", "-0%", nominal=100, rate=0.0000008, time_basis=TimeBasis.CAPTURE)]
    )

    [row] = fx.load(root).to_dict("records")

    assert row == {
        "source": "timesca",
        "pair": "UZS/USD",
        "observed_at": pd.Timestamp("2025-11-14T12:00Z"),
        "time_basis": "capture",
        "rate": 0.0000008,
        "rate_text": "0.00008",
        "nominal": 100,
        "change_pct": 0.0,
        "change_text": "-0%",
        "source_date": pd.Timestamp("2025-11-14"),
        "origin": "live",
        "recorded_at": pd.Timestamp("2025-11-14T12:15Z"),
    }


def test_what_was_not_printed_is_missing(root):
    Store(root).append([tick(change_text=None, source_date=None)])

    assert fx.load(root)[["change_pct", "change_text", "source_date"]].isna().all(axis=None)


def test_categories_are_those_of_the_rows(store, root):
    frame = fx.load(root, pairs=["UZS/USD"])

    assert frame["pair"].cat.categories.tolist() == ["UZS/USD"]
    assert frame["source"].cat.categories.tolist() == ["timesca"]
    assert frame["rate_text"].cat.categories.tolist() == ["0.00008"]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        *CASES["only_what_matches_is_loaded"],
        ({"pairs": ("UZS/USD", "kgsusd")}, [0, 4, 5]),
        ({"pairs": iter(["UZS/USD"])}, [4]),
        ({"sources": {"nbk", "ecb"}}, [3]),
        ({"sources": iter(["nbk", "timesca"])}, [0, 1, 2, 3, 4, 5, 6]),
        ({"start": pd.Timestamp("2025-12-01")}, [5, 6]),
    ],
)
def test_only_what_matches_is_loaded(store, root, chosen, expected):
    found = identities(fx.load(root, **chosen))

    assert sorted(found, key=repr) == sorted([EXPECTED[number] for number in expected], key=repr)


@pytest.mark.parametrize("end", ["2025-11-30", "2025-11", "2025-12-01T00:00Z"])
def test_damaged_month_outside_the_span_is_not_opened(store, root, end):
    (root / "ticks/source=timesca/month=2025-12/00000.parquet").write_bytes(b"")

    assert len(fx.load(root, end=end)) == 5


@pytest.mark.parametrize("text", ["tomorrow", "2025-13-01", ""])
def test_moment_that_is_none_is_a_named_failure(store, root, text):
    with pytest.raises(ValueError, match="is no date or instant"):
        fx.load(root, start=text)


@pytest.mark.parametrize(
    ("span", "problem"),
    [
        ({"start": "2025-12-01", "end": "2025-11-30"}, "the span ends, 2025-11-30, before it begins, 2025-12-01"),
        ({"start": "2025-12-02", "end": "2025-11"}, "the span ends, 2025-11, before it begins"),
        ({"start": "9000-01-01"}, "9000-01-01 is later than now"),
        ({"as_of": "9000-01-01"}, "9000-01-01 is later than now"),
    ],
)
def test_span_that_cannot_be_is_a_named_failure(store, root, span, problem):
    for ticks in (root, fx.load(root)):
        with pytest.raises(ValueError, match=problem):
            fx.quotes(ticks, **span)


def test_bands_are_half_a_step_around_the_printed_rate(root):
    Store(root).append([tick("KZT/USD", "0.00191"), tick("UZS/USD", "0.008", nominal=100, rate=0.00008)])

    frame = fx.load(root, bands=True)

    assert frame["rate_lo"].tolist() == [0.001905, 0.000075]
    assert frame["rate_hi"].tolist() == [0.001915, 0.000085]


def test_constant_is_exact_and_its_origin_shown_only_if_asked_for(root):
    Store(root).append([tick("USD/TMT", "3.5", None, source="tmt-peg", origin=Origin.CONSTANT)])

    frame = fx.load(root, columns=["rate"], bands=True)

    assert frame.to_dict("list") == {"rate": [3.5], "rate_lo": [3.5], "rate_hi": [3.5]}


# other readers


def plainly_by_pandas(folder):
    frame = pd.read_parquet(folder)
    assert frame["month"].astype(str).tolist() == frame["observed_at"].dt.strftime("%Y-%m").tolist()
    return identities(frame)


def plainly_by_polars(folder):
    polars = pytest.importorskip("polars")
    columns = ["source", "pair", "observed_at", "rate_text", "change_text"]
    return polars.read_parquet(folder).select(columns).rows()


def plainly_by_duckdb(folder):
    duckdb = pytest.importorskip("duckdb")
    rows = duckdb.sql(
        "select source, pair, epoch_us(observed_at), rate_text, change_text "
        f"from read_parquet('{folder}/**/*.parquet', hive_partitioning = true)"
    ).fetchall()
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return [(source, pair, epoch + timedelta(microseconds=at), *texts) for source, pair, at, *texts in rows]


@pytest.mark.parametrize("read", [plainly_by_pandas, plainly_by_polars, plainly_by_duckdb])
def test_plain_reader_gives_the_rows_that_load_gives(store, root, read):
    assert sorted(read(root / "ticks"), key=repr) == sorted(EXPECTED, key=repr)


def test_plain_pandas_gives_the_values_that_load_gives(store, root):
    columns = [name for name in COLUMNS if name != "source_date"]
    key = ["observed_at", "pair", "source", "recorded_at"]

    texts = dict.fromkeys(["source", "pair", "time_basis", "rate_text", "change_text", "origin"], "str")

    plain = pd.read_parquet(root / "ticks")[columns].astype(texts).sort_values(key, ignore_index=True)

    pd.testing.assert_frame_equal(plain, fx.load(root)[columns].astype(texts).sort_values(key, ignore_index=True))


# polls


def test_polls_are_loaded_by_slot_and_source(root):
    store = Store(root)
    store.record([Poll("timesca", NOON + QUARTER, Outcome.MISSED), Poll("timesca", NOON, Outcome.OK)])
    store.record([Poll("nbk", NOON, Outcome.TIMEOUT), Poll("timesca", DECEMBER, Outcome.OK)])

    frame = fx.load_polls(root)

    assert list(zip(frame["source"], frame["slot"], frame["outcome"], strict=True)) == [
        ("nbk", NOON, "timeout"),
        ("timesca", NOON, "ok"),
        ("timesca", NOON + QUARTER, "missed"),
        ("timesca", DECEMBER, "ok"),
    ]


@pytest.mark.parametrize(("chosen", "expected"), CASES["only_polls_that_match_are_loaded"])
def test_only_polls_that_match_are_loaded(root, chosen, expected):
    polls = [("timesca", NOON), ("nbk", NOON + QUARTER), ("timesca", DECEMBER)]
    Store(root).record(Poll(source, slot, Outcome.OK) for source, slot in polls)

    assert fx.load_polls(root, **chosen)["slot"].tolist() == expected


MISSED = Poll("timesca", NOON, Outcome.MISSED)
WHOLE = Poll("timesca", NOON + QUARTER, Outcome.OK, NOON, 1200, 5, 200, date(2025, 11, 14), "ab", 83_000, 1, "fine")


@pytest.mark.parametrize("polls", [[], [WHOLE], [MISSED, WHOLE]])
def test_loaded_polls_have_the_documented_types(root, polls):
    root.mkdir()
    Store(root).record(polls)

    assert types(fx.load_polls(root)) == POLL_COLUMNS


def test_what_a_missed_poll_has_not_is_missing(root):
    Store(root).record([MISSED])

    [row] = fx.load_polls(root).to_dict("records")

    assert (row["source"], row["outcome"], row["ticks"], row["attempts"]) == ("timesca", "missed", 0, 0)
    missing = ["started_at", "duration_ms", "http_status", "source_date", "body_sha256", "body_bytes", "detail"]
    assert [name for name in missing if not pd.isna(row[name])] == []


# wide


def test_wide_has_a_column_per_pair_and_gaps_where_none_was_shown(root):
    store = Store(root)
    store.append([tick("UZS/USD", "0.00008"), tick("KGS/USD", "0.01144")])
    store.append([tick("KZT/USD", "0.00191", observed_at=DECEMBER), tick("KGS/USD", "0.01145", observed_at=DECEMBER)])

    frame = fx.wide(root)

    expected = pd.DataFrame(
        {"KGS/USD": [0.01144, 0.01145], "KZT/USD": [None, 0.00191], "UZS/USD": [0.00008, None]},
        index=pd.DatetimeIndex([NOON, DECEMBER], name="observed_at").as_unit("us"),
        dtype="float64",
    )
    pd.testing.assert_frame_equal(frame, expected, check_freq=False)


@pytest.mark.parametrize(("chosen", "expected"), CASES["wide_shows_only_what_is_asked_for"])
def test_wide_shows_only_what_is_asked_for(store, root, chosen, expected):
    assert fx.wide(root, **chosen).to_dict("list") == expected


def test_wide_of_several_sources_wants_one_named(store, root):
    with pytest.raises(ValueError, match="several sources, name one: nbk, timesca"):
        fx.wide(root)


@pytest.mark.parametrize("chosen", [{"source": "ecb"}, {"source": "nbk", "start": "2026-01-01"}])
def test_wide_of_nothing_is_empty_with_the_right_index(store, root, chosen):
    frame = fx.wide(root, **chosen)

    assert frame.shape == (0, 0)
    assert (frame.index.name, str(frame.index.dtype)) == ("observed_at", "datetime64[us, UTC]")


DATE = TimeBasis.DATE


@pytest.mark.parametrize(
    ("appends", "expected"),
    [
        ([[tick(rate_text="0.00193")], [tick(rate_text="0.00191")]], 0.00191),  # the last recorded one
        ([[tick(rate_text=f"0.0019{n}", time_basis=DATE) for n in (1, 4, 2)]], 0.001925),  # the middle of a date's
        ([[tick(rate_text="0.00191")], [tick(rate_text="0.00195", time_basis=DATE)]], 0.00191),  # not that of a date
    ],
)
def test_wide_has_one_of_several_values_at_one_instant(root, appends, expected):
    store = Store(root, clock=FixedClock(NOON, step=QUARTER))
    for ticks in appends:
        store.append(ticks)

    assert fx.wide(root).to_dict("list") == {"KZT/USD": [expected]}


# columns


def test_columns_are_those_asked_for_in_their_order(store, root):
    frame = fx.load(root, columns=["rate", "source", "pair"])

    assert frame.columns.tolist() == ["rate", "source", "pair"]
    assert frame["rate"].tolist() == fx.load(root)["rate"].tolist()
    assert types(frame) == {name: COLUMNS[name] for name in ("rate", "source", "pair")}


def test_columns_of_rows_that_need_sorting_are_those_asked_for(root):
    store = Store(root, clock=FixedClock(NOON, step=QUARTER), segment_rows=2)
    store.append([tick(rate_text="0.00192"), tick(rate_text="0.00191"), tick(observed_at=NOON + QUARTER)])
    store.append([tick(rate_text="0.00190", observed_at=NOON - QUARTER)])

    assert fx.load(root, columns=["rate"])["rate"].tolist() == [0.0019, 0.00191, 0.00192, 0.00191]
    assert fx.load(root, columns="rate_text", bands=True).columns.tolist() == ["rate_text", "rate_lo", "rate_hi"]


def test_columns_can_be_chosen_beside_every_filter(store, root):
    chosen = {"pairs": ["KZT/USD"], "sources": ["timesca"], "end": "2100-01-01", "as_of": "now"}

    frame = fx.load(root, columns=["rate_text"], **chosen)

    assert frame["rate_text"].tolist() == fx.load(root, **chosen)["rate_text"].tolist()
    assert len(frame) > 0


class Counting(LocalStorage):
    """A disk that counts how often a file is opened."""

    opened = 0

    def open(self, name, *, version=None):
        self.opened += 1
        return super().open(name, version=version)


def test_columns_of_several_sources_are_read_once(root):
    Store(root).append(snapshot_ticks() + snapshot_ticks(NOON + QUARTER, source="nbk"))
    backend = Counting(root)

    frame = fx.load(Store(backend), columns=["rate"])

    assert len(frame) == 10
    assert backend.opened == 2


def test_unknown_column_is_refused_with_those_there_are(store, root):
    with pytest.raises(ValueError, match="no column price; there are source, pair, observed_at"):
        fx.load(root, columns=["rate", "price"])


def test_more_texts_than_a_small_number_can_count_are_all_kept(root):
    ticks = [tick(rate_text=f"0.{n:05}", observed_at=NOON + timedelta(seconds=n)) for n in range(1, 40_000)]
    Store(root, segment_rows=10_000).append(ticks)

    frame = fx.load(root)

    assert frame["rate_text"].tolist() == [item.rate_text for item in ticks]
    assert frame["rate"].tolist() == [item.rate for item in ticks]


@pytest.mark.parametrize("segment_rows", [3, 50_000])
def test_categories_are_sorted_and_all_occur(root, segment_rows):
    store = Store(root, segment_rows=segment_rows)
    store.append(snapshot_ticks(NOON) + snapshot_ticks(NOON + QUARTER, source="nbk"))
    store.append([tick("UZS/USD", "0.00009", None, observed_at=NOON - QUARTER)])

    frame = fx.load(root, pairs=["UZS/USD", "KGS/USD"])

    assert frame["pair"].cat.categories.tolist() == ["KGS/USD", "UZS/USD"]
    assert frame["rate_text"].cat.categories.tolist() == ["0.00008", "0.00009", "0.01144"]
    assert frame["source"].cat.categories.tolist() == ["nbk", "timesca"]
    assert frame["change_text"].isna().tolist() == [True, False, False, False, False]


# latest


def test_latest_is_the_last_tick_of_each_source_and_pair(store, root):
    frame = fx.latest(root)

    assert identities(frame) == [
        ("nbk", "KZT/USD", NOON, "0.001915", None),
        ("timesca", "KGS/USD", DECEMBER, "0.01144", None),
        ("timesca", "KZT/USD", DECEMBER, "0.00191", "-0%"),
        ("timesca", "UZS/USD", NOON, "0.00008", "0%"),
    ]
    assert types(frame) == COLUMNS | {"age_h": "float64", "stale": "bool", "reason": "str"}


def test_categories_of_latest_are_sorted_and_all_occur(store, root):
    frame = fx.latest(root)

    assert frame["rate_text"].cat.categories.tolist() == ["0.00008", "0.00191", "0.001915", "0.01144"]
    assert frame["change_text"].cat.categories.tolist() == ["-0%", "0%"]
    assert frame["pair"].cat.categories.tolist() == ["KGS/USD", "KZT/USD", "UZS/USD"]


@pytest.mark.parametrize("segment_rows", [2, 50_000])
def test_pair_that_vanished_within_a_year_keeps_its_last_tick(root, segment_rows):
    store = Store(root, segment_rows=segment_rows)
    store.append([tick("TMT/USD", "0.28571", observed_at=datetime(2024, 11, 1, tzinfo=UTC))])
    store.append([tick("TMT/USD", "0.28490", observed_at=datetime(2024, 11, 2, tzinfo=UTC))])
    store.append([tick("TJS/USD", "0.10840", observed_at=datetime(2024, 10, 31, tzinfo=UTC))])
    store.append([tick("KZT/USD", observed_at=datetime(2025, month, 1, tzinfo=UTC)) for month in range(1, 12)])

    frame = fx.latest(root)

    assert frame["pair"].tolist() == ["KZT/USD", "TMT/USD"]
    assert frame["rate_text"].tolist() == ["0.00191", "0.28490"]


def test_lone_tick_of_a_wrong_clock_hides_no_other_pair(root):
    Store(root).append([*snapshot_ticks(), tick(observed_at=datetime(2200, 1, 1, tzinfo=UTC))])

    assert fx.latest(root)["pair"].tolist() == ["KGS/USD", "KZT/USD", "TJS/USD", "TMT/USD", "UZS/USD"]


def test_pair_that_is_in_none_of_the_last_twelve_months_is_no_longer_among_the_latest(root):
    Store(root).append([tick("TMT/USD", "0.28571", observed_at=datetime(2024, 11, 30, tzinfo=UTC))])
    Store(root).append([tick(observed_at=datetime(2025, month, 1, tzinfo=UTC)) for month in range(1, 13)])

    assert fx.latest(root)["pair"].tolist() == ["KZT/USD"]


def test_latest_finds_the_last_tick_wherever_later_imports_put_it(root):
    store = Store(root, segment_rows=2)
    store.append([tick(observed_at=NOON + n * QUARTER) for n in range(3)])
    store.append([tick(rate_text="0.00192", observed_at=NOON - n * QUARTER) for n in range(1, 8)])

    assert fx.latest(root)["observed_at"].tolist() == [NOON + 2 * QUARTER]


def test_latest_reads_no_rows_but_those_of_the_newest_segment(root):
    store = Store(root, segment_rows=5)
    for months in range(12):
        store.append(snapshot_ticks(NOON - months * timedelta(days=30)))
        store.append(snapshot_ticks(NOON - months * timedelta(days=30) - QUARTER))
    newest = root / "ticks/source=timesca/month=2025-11/00000.parquet"
    for path in {*root.glob("ticks/*/*/*")} - {newest}:
        data = bytearray(path.read_bytes())
        data[4:200] = bytes(196)  # the first column's page: who reads it is told
        path.write_bytes(data)

    assert fx.latest(root)["observed_at"].tolist() == [NOON] * 5


def test_latest_takes_the_last_recorded_of_several_values_at_one_instant(root):
    store = Store(root, clock=FixedClock(NOON, step=QUARTER), segment_rows=1)
    for rate_text in ("0.00191", "0.00195", "0.00192"):
        store.append([tick(rate_text=rate_text)])
    store.append([tick(rate_text="0.00199", observed_at=NOON - QUARTER)])

    assert fx.latest(root)["rate_text"].tolist() == ["0.00192"]


@pytest.mark.parametrize("order", [("0.00191", "0.00192"), ("0.00192", "0.00191")])
def test_latest_and_wide_agree_on_values_of_one_append(root, order):
    Store(root, clock=FixedClock()).append([tick(rate_text=text) for text in order])

    assert fx.wide(root).to_dict("list") == {"KZT/USD": [0.00192]}
    assert fx.latest(root)["rate"].tolist() == [0.00192]


@pytest.mark.parametrize("sources", [["nbk"], iter(["nbk"]), {"nbk"}, "nbk"])
def test_latest_of_named_sources_shows_these_only(store, root, sources):
    assert fx.latest(root, sources=sources)["source"].tolist() == ["nbk"]


@pytest.mark.parametrize("sources", [["timesca", "nbk"], ["nbk", "timesca", "nbk"]])
def test_latest_is_sorted_and_single_however_sources_are_named(store, root, sources):
    assert fx.latest(root, sources=sources)["source"].tolist() == ["nbk", "timesca", "timesca", "timesca"]


@pytest.mark.parametrize("sources", [None, ["timesca"]])
def test_latest_of_an_empty_store_says_that_there_is_no_data(root, sources):
    root.mkdir()

    with pytest.raises(NoData, match="no tick is stored"):
        fx.latest(root, sources=sources)


@pytest.mark.parametrize("sources", [["ecb"], []])
def test_latest_of_sources_without_ticks_says_that_there_is_no_data(store, root, sources):
    with pytest.raises(NoData, match="no tick is stored"):
        fx.latest(root, sources=sources)


def test_snapshot_is_loaded_as_the_page_showed_it(root):
    Store(root, clock=FixedClock()).append(snapshot_ticks())

    frame = fx.load(root)

    assert list(zip(frame["pair"], frame["rate_text"], frame["change_text"], strict=True)) == sorted(TICKER)
    assert frame["change_pct"].tolist() == [0.0, 0.0, 0.37, 0.0, 0.0]
