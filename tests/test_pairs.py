"""Names of pairs: how they may be written, and what is said of one that is not there."""

import pytest
from builders import NOON, snapshot_ticks, tick
from click.testing import CliRunner

import fxticker as fx
from fxticker.cli import app
from fxticker.errors import NotDerivable, NotStored
from fxticker.model.pairs import pair_of

STORED = "KGS/USD, KZT/USD, TJS/USD, TMT/USD"


@pytest.fixture
def ticks(store):
    """Ticks of the five pairs, and the two legs of a rate in roubles."""
    store.append([*snapshot_ticks(), tick("UZS/RUB", "62,8322", None, source="cbr", nominal=10_000)])
    return store


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("KZT/USD", "KZT/USD"),
        ("kzt/usd", "KZT/USD"),
        (" Kzt / Usd ", "KZT/USD"),
        ("usdkzt", "USD/KZT"),
        ("KZTUZS", "KZT/UZS"),
        ("kzt", "KZT/USD"),
    ],
)
def test_pair_may_be_written_in_several_ways(text, pair):
    assert pair_of(text) == pair


@pytest.mark.parametrize("text", ["", "KZ", "USD", "KZT/", "/USD", "KZT/KZT", "KZTKZT", "KZT/USD/UZS", "tenge"])
def test_text_that_names_no_pair_is_refused_with_examples(text):
    with pytest.raises(ValueError, match='is no pair of two currencies such as "KZT/USD", "KZTUSD" or "KZT"'):
        pair_of(text)


@pytest.mark.parametrize("text", ["KZT/USD", "kztusd", "kzt"])
def test_every_function_understands_every_way(ticks, text):
    day = {"start": NOON, "end": NOON}
    assert set(fx.load(ticks, pairs=text)["pair"]) == {"KZT/USD"}
    assert list(fx.wide(ticks, source="timesca", pairs=[text])) == ["KZT/USD"]
    assert set(fx.quotes(ticks, pairs=text)["pair"]) == {"KZT/USD"}
    assert set(fx.decode(ticks, pairs=text, **{**day, "end": None})["pair"]) == {"KZT/USD"}
    assert fx.best(ticks, text, at=NOON).pair == "KZT/USD"


def test_currencies_of_a_conversion_may_be_in_lower_case(ticks):
    assert fx.convert(ticks, 1500, "kzt", "uzs", at=NOON).currency == "UZS"


@pytest.mark.parametrize(
    ("read", "of", "stored"),
    [
        (fx.load, "", f"{STORED}, UZS/RUB, UZS/USD"),
        (fx.wide, "", f"{STORED}, UZS/RUB, UZS/USD"),
        (fx.decode, " of timesca", f"{STORED}, UZS/USD"),
        (lambda store, pairs: fx.decode(fx.load(store), pairs=pairs), " of timesca", f"{STORED}, UZS/USD"),
        (lambda store, pairs: fx.load(store, pairs=pairs, sources="timesca"), " of timesca", f"{STORED}, UZS/USD"),
        (lambda store, pairs: fx.latest(store, pairs=pairs, sources="timesca"), " of timesca", f"{STORED}, UZS/USD"),
    ],
)
@pytest.mark.parametrize(
    ("pair", "way"),
    [("XAU/USD", ""), ("USD/KZT", "; quotes derives USD/KZT"), ("KZT/UZS", "; quotes derives KZT/UZS")],
)
def test_pair_that_is_not_stored_is_an_error_that_lists_those_that_are(ticks, read, of, stored, pair, way):
    with pytest.raises(NotStored, match=f"^{pair} is not stored{of}; stored are {stored}{way}$"):
        read(ticks, pairs=["KZT/USD", pair])


def test_pair_that_a_source_has_in_the_other_direction_is_named(store):
    store.append([tick("UZS/USD", "0.00008"), tick("USD/UZS", "11990.09", None, NOON, source="cbu")])
    folder = ["--store", str(store.backend)]
    with pytest.raises(NotStored, match=r"^UZS/USD is not stored of cbu; stored are USD/UZS; quotes derives UZS/USD$"):
        fx.load(store, pairs=["UZS"], sources=["cbu"])
    for command in ("history", "latest"):
        shown = CliRunner().invoke(app, [command, "--pair", "UZS", *folder])
        assert "USD/UZS of cbu is not shown: pairs stand in the direction of their source" in shown.stderr
        shown = CliRunner().invoke(app, [command, "--pair", "UZS", "--pair", "USD/UZS", *folder])
        assert "not shown" not in shown.stderr


@pytest.mark.parametrize("shape", [fx.wide, lambda store: fx.load(store, columns=["observed_at", "pair", "rate"])])
@pytest.mark.parametrize(
    "ask",
    [
        fx.changes,
        fx.compare,
        lambda frame: fx.quotes(frame, pairs="KZT/UZS"),
        lambda frame: fx.resample(frame, "week"),
        lambda frame: fx.drift(frame, start="2025-11-08", end=NOON),
        lambda frame: fx.rate(frame, "KZT", at=NOON),
        lambda frame: fx.convert(frame, 1, "KZT", "UZS", at=NOON),
    ],
)
def test_frame_that_is_none_of_ticks_is_refused_with_what_to_give(history_store, ask, shape):
    with pytest.raises(
        ValueError, match=r"^the frame lacks .*: give a store, or a frame of fxticker.load with all its"
    ):
        ask(shape(history_store))


def test_stored_pair_without_rows_in_the_span_is_no_error(ticks):
    assert fx.load(ticks, pairs=["KZT/USD"], start="2026-06-01").empty
    assert fx.load(ticks, pairs=["KZT/USD"], columns=["rate"])["rate"].tolist() == [0.00191]


def test_empty_store_refuses_no_pair(store):
    store.append([])
    assert fx.load(store, pairs=["XAU/USD"]).empty


@pytest.mark.parametrize("function", [fx.changes, fx.drift_series, fx.peg, lambda rows: fx.resample(rows, "day")])
def test_frame_of_derived_rates_is_refused_with_what_to_give(history_store, function):
    derived = fx.quotes(history_store, pairs=["USD/KZT"])
    with pytest.raises(ValueError, match=r"^the frame has derived rates, .* name the derived pairs in pairs=$"):
        function(derived)


@pytest.mark.parametrize(
    "read",
    [
        fx.quotes,
        fx.drift_series,
        lambda store, **asked: fx.drift(store, start="2025-11-13", end="2025-11-14", **asked),
        lambda store, pairs, sources: fx.rate(store, pairs, at=NOON, sources=sources),
    ],
)
def test_pair_that_the_given_sources_cannot_give_is_refused_by_what_they_have(ticks, read):
    with pytest.raises(NotDerivable, match=r"^KZT/UZS is neither stored nor derivable of cbr; stored are UZS/RUB$"):
        read(ticks, pairs=["KZT/UZS"], sources=["cbr"])
