"""Quotes: stored, inverse and cross rates with bands that hold the true value."""

from datetime import timedelta
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from builders import NOON, FixedClock, cases, snapshot_ticks, tick
from hypothesis import given
from hypothesis import strategies as st
from laws import law
from true_rates import frame_of, shown, true_and_printed

import fxticker as fx
from fxticker.analysis.quotes import as_of, quotes, ticks_of
from fxticker.errors import NotDerivable
from fxticker.model.records import Origin, TimeBasis
from fxticker.model.selection import Selection
from fxticker.store.store import Store

LATER = NOON + timedelta(minutes=15)
TYPES = cases("quotes")["columns"]
PEG = tick(
    "USD/TMT",
    "3.5",
    None,
    NOON.replace(hour=0),
    source="tmt-peg",
    time_basis=TimeBasis.DATE,
    origin=Origin.CONSTANT,
)
PRINTED = true_and_printed()


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "parquet", clock=FixedClock(NOON, step=timedelta(hours=1)))


def types(frame):
    return {name: str(kind) for name, kind in frame.dtypes.items()}


def rows(frame, *columns):
    return list(frame[list(columns)].itertuples(index=False, name=None))


# what quotes gives


def test_stored_pairs_are_quoted_as_printed(store):
    store.append(snapshot_ticks())

    found = quotes(store)

    assert types(found) == TYPES
    assert rows(found, "pair", "rate_text", "rate", "rate_lo", "rate_hi") == [
        ("KGS/USD", "0.01144", 0.01144, 0.011435, 0.011445),
        ("KZT/USD", "0.00191", 0.00191, 0.001905, 0.001915),
        ("TJS/USD", "0.10840", 0.1084, 0.108395, 0.108405),
        ("TMT/USD", "0.28571", 0.28571, 0.285705, 0.285715),
        ("UZS/USD", "0.00008", 0.00008, 0.000075, 0.000085),
    ]


def test_inverse_pair_has_the_inverse_band_and_no_text(store):
    store.append([tick("UZS/USD", "0.00008")])

    [row] = quotes(store, pairs=["USD/UZS"]).itertuples()

    assert row.rate == pytest.approx(12_500)
    assert (row.rate_lo, row.rate_hi) == (pytest.approx(10**6 / 85), pytest.approx(10**6 / 75))
    assert pd.isna(row.rate_text)


def test_pair_stored_the_other_way_is_turned(store):
    store.append([tick("USD/KZT", "523.5")])

    [row] = quotes(store, pairs="KZT/USD").itertuples()

    assert row.rate == 1 / 523.5


def test_inverse_of_an_inverse_is_the_stored_row_again_with_its_text(store):
    store.append([tick("KZT/USD", "0.00191")])

    assert set(quotes(store, pairs=["USD/KZT"])["pair"]) == {"USD/KZT"}
    pd.testing.assert_frame_equal(quotes(store, pairs=["KZT/USD"]), quotes(store))


def test_cross_rate_goes_through_dollars(store):
    store.append([tick("KZT/USD", "0.00191"), tick("UZS/USD", "0.00008")])

    [row] = quotes(store, pairs=["KZT/UZS"]).itertuples()

    assert row.pair == "KZT/UZS"
    assert row.rate == pytest.approx(23.875)
    assert (row.rate_lo, row.rate_hi) == (pytest.approx(1905 / 85), pytest.approx(1915 / 75))
    assert pd.isna(row.rate_text)


def test_cross_rate_takes_a_leg_that_is_stored_the_other_way(store):
    store.append([tick("USD/KZT", "500"), tick("UZS/USD", "0.00008")])

    assert quotes(store, pairs=["KZT/UZS"])["rate"].tolist() == [pytest.approx(25)]


def test_cross_rate_is_made_of_one_source_at_one_instant_only(store):
    store.append([tick("KZT/USD"), tick("UZS/USD", "0.00008", observed_at=LATER)])
    store.append([tick("UZS/USD", "0.00008", source="nbk"), tick("KZT/USD", observed_at=LATER, source="nbk")])

    assert quotes(store, pairs=["KZT/UZS"]).empty


def test_cross_rate_of_each_source_is_its_own(store):
    for source, rate_text in (("timesca", "0.00200"), ("nbk", "0.00190")):
        store.append([tick("KZT/USD", rate_text, source=source), tick("UZS/USD", "0.00010", source=source)])

    found = quotes(store, pairs=["KZT/UZS"])

    assert rows(found, "source", "rate") == [("nbk", pytest.approx(19)), ("timesca", pytest.approx(20))]


def test_cross_rate_was_recorded_when_its_later_leg_was(store):
    store.append([tick("KZT/USD")])
    store.append([tick("UZS/USD", "0.00008")])
    later = fx.load(store)["recorded_at"].max()

    assert quotes(store, pairs=["KZT/UZS"])["recorded_at"].tolist() == [later]
    assert quotes(store, pairs=["UZS/KZT"])["recorded_at"].tolist() == [later]


@pytest.mark.parametrize("pair", ["KZT/UZS", "UZS/KZT"])
def test_cross_rate_of_a_leg_known_by_its_date_is_known_by_its_date(store, pair):
    midnight = NOON.replace(hour=0)
    store.append([tick("KZT/USD", observed_at=midnight)])
    store.append([tick("UZS/USD", "0.00008", observed_at=midnight, time_basis=TimeBasis.DATE)])

    assert quotes(store, pairs=[pair])["time_basis"].tolist() == ["date"]


def test_stored_rate_counts_before_its_inverse_and_that_before_a_cross_rate():
    legs = [shown("KZT/USD", "0.002"), shown("UZS/USD", "0.0001")]
    turned = [shown("UZS/KZT", "0.04")]
    stored = [shown("KZT/UZS", "21")]

    assert quotes(frame_of(legs), pairs=["KZT/UZS"])["rate"].tolist() == [pytest.approx(20)]
    assert quotes(frame_of(legs + turned), pairs=["KZT/UZS"])["rate"].tolist() == [25]
    assert quotes(frame_of(legs + turned + stored), pairs=["KZT/UZS"])["rate_text"].tolist() == ["21"]


def test_instants_that_a_source_shows_either_way_are_in_order():
    frame = frame_of(
        [shown("USD/KZT", "500"), shown("KZT/USD", "0.003", LATER), shown("USD/KZT", "250", LATER + LATER.resolution)]
    )

    found = quotes(frame, pairs=["KZT/USD"])

    assert found["rate"].tolist() == [0.002, 0.003, 0.004]
    assert found["rate_text"].isna().tolist() == [True, False, True]


def test_rows_are_by_instant_and_pair_and_source(store):
    for source in ("timesca", "nbk"):
        store.append(snapshot_ticks(source=source) + snapshot_ticks(LATER, source=source))

    found = quotes(store, pairs=["USD/UZS", "KZT/USD", "KGS/KZT"])

    assert rows(found, "observed_at", "pair", "source") == [
        (at, pair, source)
        for at in (NOON, LATER)
        for pair in ("KGS/KZT", "KZT/USD", "USD/UZS")
        for source in ("nbk", "timesca")
    ]
    assert found["pair"].cat.categories.tolist() == ["KGS/KZT", "KZT/USD", "USD/UZS"]
    assert found["rate_text"].cat.categories.tolist() == ["0.00191"]
    assert types(found) == TYPES


def test_order_of_a_frames_rows_and_categories_does_not_matter(store):
    for source in ("timesca", "nbk"):
        store.append(snapshot_ticks(source=source) + snapshot_ticks(LATER, source=source))
    frame = fx.load(store)
    backwards = frame.iloc[::-1].reset_index(drop=True)
    for name in ("source", "pair", "rate_text"):
        backwards[name] = backwards[name].cat.set_categories(backwards[name].cat.categories[::-1])
    as_text = frame.astype({"source": "str", "pair": "str", "rate_text": "str", "time_basis": "str"})

    for pairs in (None, ["KZT/UZS", "USD/KZT", "TMT/USD"]):
        expected = quotes(store, pairs=pairs)
        pd.testing.assert_frame_equal(quotes(backwards, pairs=pairs), expected)
        pd.testing.assert_frame_equal(quotes(as_text, pairs=pairs), expected)


def test_several_values_of_one_date_are_derived_by_their_hull():
    frame = frame_of([shown("UZS/USD", text, time_basis=TimeBasis.DATE) for text in ("0.00008", "0.00010")])

    [stored] = quotes(frame).itertuples()
    [turned] = quotes(frame, pairs=["USD/UZS"]).itertuples()

    assert (stored.rate, stored.rate_lo, stored.rate_hi) == (0.00009, 0.000075, 0.000105)
    assert pd.isna(stored.rate_text)
    assert (turned.rate_lo, turned.rate_hi) == (pytest.approx(10**6 / 105), pytest.approx(10**6 / 75))


def test_of_several_values_at_one_instant_the_last_recorded_is_derived():
    frame = frame_of([shown("UZS/USD", "0.00010"), shown("UZS/USD", "0.00008")])

    assert quotes(frame, pairs=["USD/UZS"])["rate"].tolist() == [pytest.approx(12_500)]
    assert quotes(frame)["rate_text"].cat.categories.tolist() == ["0.00008"]


def test_rate_for_many_units_is_quoted_for_one(store):
    store.append([tick("UZS/USD", "0.008", nominal=100, rate=0.00008)])

    [row] = quotes(store, pairs=["USD/UZS"]).itertuples()

    assert (row.rate_lo, row.rate_hi) == (pytest.approx(10**6 / 85), pytest.approx(10**6 / 75))


@pytest.mark.parametrize("as_frame", [False, True])
def test_constant_is_exact_and_so_is_what_is_derived_of_it(store, as_frame):
    store.append([PEG])
    ticks = fx.load(store) if as_frame else store

    [stored] = quotes(ticks, pairs=["USD/TMT"]).itertuples()
    [turned] = quotes(ticks).itertuples()

    assert (stored.rate_lo, stored.rate_hi) == (3.5, 3.5)
    assert turned.rate_lo < 2 / 7 < turned.rate_hi
    assert turned.rate_hi - turned.rate_lo < 1e-14
    assert list(quotes(ticks).columns) == list(TYPES)


def test_frame_without_origins_is_of_printed_rates(store):
    store.append([PEG])
    frame = fx.load(store).drop(columns="origin")

    assert quotes(frame, per_usd=True)["rate_lo"].tolist() == [3.45]


def test_ticker_that_is_not_at_the_peg_contradicts_it(store):
    store.append([PEG, tick("TMT/USD", "0.28490")])

    said = fx.best(store, "TMT/USD", at=LATER)

    assert said.source == "tmt-peg"
    assert [(one.source, other.source) for one, other in said.contradictions] == [("tmt-peg", "timesca")]


# what it refuses


@pytest.mark.parametrize("as_frame", [False, True])
@pytest.mark.parametrize("pair", ["XAU/USD", "KZT/XAU", "EUR/GBP"])
def test_pair_that_nothing_stored_gives_is_named_with_what_is_stored(store, pair, as_frame):
    store.append([tick("KZT/USD"), tick("UZS/USD", "0.00008")])
    ticks = fx.load(store) if as_frame else store

    with pytest.raises(NotDerivable, match=f"^{pair} is neither stored nor derivable; stored are KZT/USD, UZS/USD$"):
        quotes(ticks, pairs=["KZT/USD", pair])


@pytest.mark.parametrize("text", ["KZ", "USD", "KZT/", "/USD", "KZT/USD/UZS", "KZT/KZT", ""])
def test_text_that_is_no_pair_is_refused(store, text):
    store.append([tick("KZT/USD")])

    with pytest.raises(ValueError, match="is no pair of two currencies"):
        quotes(store, pairs=[text])


@pytest.mark.parametrize("pairs", [None, [], ["USD/KZT"], ["KZT/UZS", "KZT/USD"]])
@pytest.mark.parametrize("chosen", [{"end": "2020-01-01"}, {"sources": ["ecb"]}, {"as_of": "2020-01-01"}])
def test_nothing_in_the_span_is_an_empty_frame_of_the_same_types(store, pairs, chosen):
    store.append([tick("KZT/USD"), tick("UZS/USD", "0.00008")])

    for ticks in (store, fx.load(store)):
        found = quotes(ticks, pairs=pairs, **chosen)
        assert len(found) == 0
        assert types(found) == TYPES


def test_empty_store_has_no_quotes_of_any_pair(tmp_path):
    (tmp_path / "parquet").mkdir()

    assert types(quotes(tmp_path / "parquet", pairs=["KZT/UZS"])) == TYPES


# frames in place of stores


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"pairs": ["KZT/USD"]},
        {"pairs": "KZT/USD"},
        {"sources": "nbk"},
        {"start": "2025-11-14T12:15Z"},
        {"end": LATER},
        {"start": "2025-11-15"},
        {"as_of": "2025-11-14T13:00Z"},
        {"as_of": "2025-11-14", "sources": {"timesca"}, "columns": ["rate", "pair"]},
    ],
)
def test_frame_is_filtered_as_a_store_is(store, chosen):
    store.append(snapshot_ticks())
    store.append([*snapshot_ticks(LATER), tick("KZT/USD", "0.00200", source="nbk")])

    filters = {name: value for name, value in chosen.items() if name != "columns"}
    selection = Selection.of(**filters)

    frames = [ticks_of(ticks, selection, columns=chosen.get("columns")) for ticks in (fx.load(store), store)]

    pd.testing.assert_frame_equal(*frames, check_categorical=False, check_dtype=False)


def test_as_of_is_what_was_recorded_by_then(store):
    store.append([tick(rate_text="0.00191")])
    store.append([tick(rate_text="0.00195")])

    assert as_of(store, "2025-11-14T13:00Z")["rate_text"].tolist() == ["0.00191"]
    assert as_of(fx.load(store), "2025-11-14T14:00Z")["rate_text"].tolist() == ["0.00191", "0.00195"]


def test_frame_that_was_given_stays_as_it_was(store):
    store.append(snapshot_ticks())
    frame = fx.load(store)
    before = frame.copy(deep=True)

    quotes(frame, pairs=["KZT/UZS", "USD/KZT"])
    quotes(frame)

    pd.testing.assert_frame_equal(frame, before)


# what the bands hold


@given(st.lists(st.tuples(PRINTED, PRINTED), min_size=1, max_size=8), st.sampled_from([1, 7, 100]))
@law(60)
def test_true_rates_lie_in_the_bands_of_all_that_is_derived_from_their_texts(drawn, nominal):
    ticks, true = [], {}
    for number, legs in enumerate(drawn):
        at = NOON + number * timedelta(minutes=1)
        kzt, uzs = (rate / nominal for rate, _ in legs)
        ticks += [
            shown(pair, text, at, nominal=nominal, rate=float(text) / nominal)
            for pair, (_, text) in zip(("KZT/USD", "UZS/USD"), legs, strict=True)
        ]
        rates = {"KZT/USD": kzt, "UZS/USD": uzs, "USD/UZS": 1 / uzs, "KZT/UZS": kzt / uzs, "UZS/KZT": uzs / kzt}
        true |= {(at, pair): rate for pair, rate in rates.items()}

    found = quotes(frame_of(ticks), pairs=["KZT/USD", "UZS/USD", "USD/UZS", "KZT/UZS", "UZS/KZT"])

    derived = ~found["pair"].isin(["KZT/USD", "UZS/USD"])
    exact = [true[at.to_pydatetime(), pair] for at, pair in zip(found["observed_at"], found["pair"], strict=True)]
    doubles = np.array([float(rate) for rate in exact])
    assert len(found) == len(true)
    assert ((found["rate_lo"] <= doubles) & (doubles <= found["rate_hi"])).all()
    assert ((found["rate_lo"] <= found["rate"]) & (found["rate"] <= found["rate_hi"])).all()
    bounds = zip(found["rate_lo"], exact, found["rate_hi"], derived, strict=True)
    assert [rate for lo, rate, hi, is_derived in bounds if is_derived and not Fraction(lo) < rate < Fraction(hi)] == []


@given(st.lists(PRINTED, min_size=2, max_size=2))
@law(60)
def test_bands_that_touch_still_touch_when_inverted(drawn):
    texts = [text for _, text in drawn]
    frame = frame_of([shown("KZT/USD", text, NOON + n * timedelta(minutes=1)) for n, text in enumerate(texts)])
    stored, turned = quotes(frame), quotes(frame, pairs=["USD/KZT"])

    def overlap(found):
        return found["rate_lo"].max() <= found["rate_hi"].min()

    assert overlap(turned) >= overlap(stored)


def test_rates_against_the_rouble_give_those_against_the_dollar(tmp_path):
    """The Bank of Russia on 2026-04-25: 10000 UZS are 62.8322 RUB, a dollar is 75.5273."""
    printed = [("USD/RUB", "75,5273", 1), ("UZS/RUB", "62,8322", 10_000)]
    held = Store(tmp_path / "parquet")
    held.append(
        [
            tick(pair, text, None, source="cbr", nominal=nominal, rate=float(text.replace(",", ".")) / nominal)
            for pair, text, nominal in printed
        ]
    )
    [row] = quotes(held, pairs=["USD/UZS"]).to_dict("records")
    assert row["rate_lo"] < 75.5273 / 62.8322 * 10_000 < row["rate_hi"]
    assert row["rate_hi"] - row["rate_lo"] < 0.1


def test_printed_text_has_its_nominal_and_a_derived_rate_has_none(store):
    store.append([tick("UZS/RUB", "62,8322", None, source="cbr", rate=0.00628322, nominal=10_000)])
    found = quotes(store, pairs=["UZS/RUB", "RUB/UZS"])
    assert rows(found, "pair", "nominal") == [("RUB/UZS", 1), ("UZS/RUB", 10_000)]
    assert found["rate_text"].isna().tolist() == [True, False]
