"""The contract of a source, tested on all that are registered."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urljoin

import pytest
from builders import TICKER, cases

from fxticker.errors import ChallengePage, DamagedPage, NoTicker, OtherDate, ParseError
from fxticker.model.bands import rate_band
from fxticker.model.normalise import normalise
from fxticker.model.records import Origin, PrintedTick, Snapshot, TimeBasis, require_source_id
from fxticker.model.schedule import every
from fxticker.simulation.site import render_html
from fxticker.sources.bank import difference_mismatches, for_span, quoted, read_day
from fxticker.sources.contract import check_history, check_source
from fxticker.sources.fixed import CONSTANTS
from fxticker.sources.registry import known_sources, source_of

CASES = cases("sources")

PAYLOADS = Path(__file__).parent / "payloads"
NOVEMBER = date(2025, 11, 14)


class SnapshotCase(NamedTuple):
    """The answer to a poll: pair, rate and nominal of each tick."""

    body: bytes
    day: date
    ticks: list[tuple[str, str, int]]


class HistoryCase(NamedTuple):
    """The answer for a span: day, pair, rate and nominal of each row."""

    body: bytes
    first: date
    last: date
    rows: list[tuple[date, str, str, int]]


def payload(name):
    return (PAYLOADS / name).read_bytes()


TICKER_PAGE = render_html([PrintedTick(*printed) for printed in TICKER], NOVEMBER).encode()
SNAPSHOTS = {
    name: SnapshotCase(
        payload(case["file"]) if "file" in case else TICKER_PAGE, case["day"], [tuple(tick) for tick in case["ticks"]]
    )
    for name, case in CASES["snapshots"].items()
}
HISTORIES = {
    name: HistoryCase(payload(case["file"]), case["first"], case["last"], [tuple(row) for row in case["rows"]])
    for name, case in CASES["histories"].items()
}
PER_DOLLAR = {
    "KGS": Decimal("87.45"),
    "KZT": Decimal("476.1"),
    "TJS": Decimal("9.54"),
    "TMT": Decimal("3.491"),
    "UZS": Decimal(12180),
}
"""U.S. Treasury, reporting rates of exchange of 2026-03-31."""
HTML = b"<!DOCTYPE html><html><head><title>Please wait</title></head><body>Checking your browser</body></html>"
GARBAGE = bytes(range(256))

DIFFERENCE = b'"Diff":"-16.5"'
all_sources = pytest.mark.parametrize("name", sorted(SNAPSHOTS))
all_histories = pytest.mark.parametrize("name", sorted(HISTORIES))


def parsed(name, body=None):
    return known_sources()[name].parse(SNAPSHOTS[name].body if body is None else body, {})


def parsed_history(name, body=None, first=None, last=None):
    case = HISTORIES[name]
    parse = known_sources()[name].history.parse
    return parse(case.body if body is None else body, {}, first or case.first, last or case.last)


def in_other_currency(name, body):
    """An answer for another currency."""
    if name == "fawazahmed0":
        return payload("fawazahmed0_uzs_2026-09-29.json")
    return body.replace(b"USD", b"EUR")


# The contract


def test_every_registered_source_is_tested_here():
    assert sorted(known_sources()) == sorted(SNAPSHOTS)
    assert sorted(name for name, source in known_sources().items() if source.history) == sorted(HISTORIES)


@all_sources
def test_source_keeps_the_contract(name):
    case = SNAPSHOTS[name]
    check_source(known_sources()[name], case.body, {}, printed=case.ticks, day=case.day)


@all_histories
def test_history_keeps_the_contract(name):
    case = HISTORIES[name]
    printed = {day: [tuple(row) for at, *row in case.rows if at == day] for day, *_ in case.rows}
    check_history(known_sources()[name], case.body, {}, first=case.first, last=case.last, printed=printed)


@all_histories
def test_history_is_requested_from_the_host_of_the_source(name):
    source, case = known_sources()[name], HISTORIES[name]
    assert urljoin(source.url, source.history.path(case.first, case.last)) == CASES["histories"][name]["url"]


@all_sources
def test_only_the_ticker_prints_a_change_in_percent(name):
    assert {tick.change_text is None for tick in parsed(name).ticks} == {name != "timesca"}


@all_sources
def test_pairs_are_of_iso_codes(name):
    codes = {"USD", "RUB", *PER_DOLLAR}
    for tick in parsed(name).ticks:
        base, _, quote = tick.pair.partition("/")
        assert base in codes
        assert quote in codes
        assert base != quote


@all_sources
def test_rates_have_the_direction_of_their_pair(name):
    rates = {tick.pair: Decimal(tick.rate_text.replace(",", ".")) / tick.nominal for tick in parsed(name).ticks}
    found = {}
    for pair, rate in rates.items():
        base, _, quote = pair.partition("/")
        if base == "USD":
            found[quote] = rate
        else:
            found[base] = (rates["USD/RUB"] if quote == "RUB" else 1) / rate
    found.pop("RUB", None)
    for currency, rate in found.items():
        # The tenge went from 523 to 441 between the first of these payloads and the last.
        margin = Decimal("0.10") if currency == "KZT" else Decimal("0.05")
        assert abs(rate / PER_DOLLAR[currency] - 1) < margin, currency
    assert found


@all_sources
@pytest.mark.parametrize("part", [0.05, 0.52, 0.6, 0.91])  # not between two copies of the ticker
def test_answer_cut_short_is_refused(name, part):
    body = SNAPSHOTS[name].body
    with pytest.raises(ParseError):
        parsed(name, body[: int(len(body) * part)])


@pytest.mark.parametrize("name", sorted(set(SNAPSHOTS) - {"timesca"}))  # whose figures carry their pairs with them
def test_answer_for_another_currency_is_refused(name):
    with pytest.raises(ParseError):
        parsed(name, in_other_currency(name, SNAPSHOTS[name].body))


@pytest.mark.parametrize("name", sorted(set(SNAPSHOTS) - {"timesca"}))
def test_page_of_html_is_a_challenge(name):
    with pytest.raises(ChallengePage):
        parsed(name, HTML)


@all_histories
@pytest.mark.parametrize("body", [b"", b" \n", HTML, GARBAGE, b"null", b"{}"])
def test_history_without_rates_is_refused(name, body):
    with pytest.raises(ParseError):
        parsed_history(name, body)


@all_histories
@pytest.mark.parametrize("part", [0.1, 0.5, 0.6, 0.9])
def test_history_cut_short_is_refused(name, part):
    body = HISTORIES[name].body
    with pytest.raises(ParseError):
        parsed_history(name, body[: int(len(body) * part)])


@pytest.mark.parametrize("name", sorted(set(HISTORIES) - {"nbkr"}))  # whose page of past rates names no currency
def test_history_for_another_currency_is_refused(name):
    with pytest.raises(NoTicker):
        parsed_history(name, in_other_currency(name, HISTORIES[name].body))


@all_histories
def test_answer_for_another_day_raises_other_date(name):
    day = date(2020, 2, 29)
    with pytest.raises(OtherDate) as refusal:
        parsed_history(name, first=day, last=day)
    assert isinstance(refusal.value, ParseError)
    assert "2020-02-29" in refusal.value.asked


@all_sources
def test_source_has_valid_attributes(name):
    source = known_sources()[name]
    require_source_id(source.id)
    assert source.id == name
    assert source.url.startswith("https://")
    assert source.terms_url is None or source.terms_url.startswith("https://")
    every(source.every, name)
    assert source.media_types
    assert source.stale_after_days > 0
    assert source.publishes


def test_known_sources_cannot_be_changed():
    with pytest.raises(TypeError):
        known_sources()["mine"] = None


def test_source_is_found_by_its_id():
    assert source_of("nbkr").id == "nbkr"
    assert source_of("nonsense") is None


# What single sources do


def test_rate_is_read_from_the_item_and_not_from_the_document():
    body = SNAPSHOTS["nbk"].body.replace(b"<title>Official", b"<title>USD Official")
    assert parsed("nbk", body).ticks[0].rate_text == "478.77"


@pytest.mark.parametrize("name", ["cbu", "nbk"])
def test_history_of_a_day_without_rates_is_empty(name):
    empty = {"cbu": b"[]", "nbk": b"<rates><date>04.04.2026</date></rates>"}[name]
    assert list(parsed_history(name, empty)) == []


def test_history_of_a_span_without_rates_is_empty():
    body = b'<ValCurs ID="840" DateRange1="20/01/2025" DateRange2="21/01/2025" Name=""></ValCurs>'
    assert parsed_history("nbt", body, date(2025, 1, 20), date(2025, 1, 21)) == []


def test_list_of_today_in_place_of_a_span_raises_other_date():
    with pytest.raises(OtherDate) as refusal:
        parsed_history("nbt", SNAPSHOTS["nbt"].body, date(1999, 1, 1), date(1999, 12, 31))
    assert refusal.value.answered == date(2026, 5, 18)


def test_day_outside_the_span_raises_other_date():
    with pytest.raises(OtherDate) as refusal:
        parsed_history("nbkr", first=date(2005, 6, 1), last=date(2005, 6, 24))
    assert refusal.value.answered == date(2005, 6, 25)


@pytest.mark.parametrize(("old", "new"), CASES["incomplete_page_of_past_rates_is_damage"])
def test_incomplete_page_of_past_rates_is_damage(old, new):
    with pytest.raises(DamagedPage):
        parsed_history("nbkr", HISTORIES["nbkr"].body.replace(old.encode(), new.encode()))


@pytest.mark.parametrize(("name", "old", "new"), CASES["invalid_numbers_are_damage"])
def test_invalid_numbers_are_damage(name, old, new):
    body = SNAPSHOTS[name].body
    assert old.encode() in body
    with pytest.raises(DamagedPage):
        parsed(name, body.replace(old.encode(), new.encode()))


@pytest.mark.parametrize(("name", "old", "new", "remark"), CASES["broken_item_of_another_currency_is_named"])
def test_broken_item_of_another_currency_is_named_and_the_others_are_read(name, old, new, remark):
    body = SNAPSHOTS[name].body
    assert old.encode() in body
    snapshot = parsed(name, body.replace(old.encode(), new.encode(), 1))
    assert snapshot.remarks == (remark,)
    assert set(snapshot.ticks) <= set(parsed(name).ticks)
    assert len(snapshot.ticks) == max(1, len(SNAPSHOTS[name].ticks) - 1)
    assert snapshot.ticks[0].pair.startswith("USD/")


@pytest.mark.parametrize(("name", "old", "new"), CASES["other_currency_that_is_not_wanted_is_not_read"])
def test_other_currency_that_is_not_wanted_is_not_read(name, old, new):
    body = SNAPSHOTS[name].body
    assert old.encode() in body
    assert parsed(name, body.replace(old.encode(), new.encode())) == parsed(name)


@pytest.mark.parametrize("name", ["nbk", "nbkr", "nbt", "cbu", "cbr"])
def test_list_whose_dollar_may_be_its_unreadable_item_is_damage(name):
    with pytest.raises(DamagedPage, match="holds no USD, and 1 of the list's items"):
        parsed(name, SNAPSHOTS[name].body.replace(b"USD", b"US?"))


def test_collection_without_a_valid_rate_is_damage():
    with pytest.raises(DamagedPage, match="USD/KGS: the rates must be numbers; USD/UZS: the number 1e4"):
        parsed("fawazahmed0", b'{"date": "2026-09-29", "usd": {"kgs": null, "uzs": 1e4}}')
    body = SNAPSHOTS["cbr"].body
    with pytest.raises(DamagedPage, match="no valid rate but the dollar's"):
        parsed(
            "cbr",
            body.replace(b"<Nominal>100<", b"<Nominal>0<")
            .replace(b"<Nominal>10", b"<Nominal>x")
            .replace(b"21,5792", b"-"),
        )


@pytest.mark.parametrize(("name", "old", "new", "text", "rate"), CASES["number_is_read_in_the_form_of_its_bank"])
def test_number_is_read_in_the_form_of_its_bank(name, old, new, text, rate):
    snapshot = parsed(name, SNAPSHOTS[name].body.replace(old.encode(), new.encode()))
    assert snapshot.ticks[0].rate_text == text
    assert not snapshot.remarks
    tick = normalise(
        snapshot,
        source=name,
        observed_at=datetime(2026, 9, 29, tzinfo=UTC),
        time_basis=TimeBasis.DATE,
        origin=Origin.PAGE,
    )[0]
    assert tick.rate == float(rate)
    assert rate_band(text).middle == Fraction(rate)


def test_past_rates_with_three_decimals_are_read():
    body = HISTORIES["nbkr"].body.replace(b"40,9614", b"40,961")
    assert parsed_history("nbkr", body)[-1].ticks[0].rate_text == "40,961"
    with pytest.raises(DamagedPage, match=r"the point of '40\.961' may stand"):
        parsed_history("nbkr", body.replace(b"40,961", b"40.961"))


def test_day_without_leading_zeros_is_read_in_a_collection():
    snapshot = parsed("fawazahmed0", SNAPSHOTS["fawazahmed0"].body.replace(b"2026-09-29", b"2026-9-29"))
    assert snapshot == parsed("fawazahmed0")


def test_missing_currency_of_a_collection_is_left_out():
    snapshot = parsed("fawazahmed0", SNAPSHOTS["fawazahmed0"].body.replace(b'"tmt"', b'"tmx"'))
    assert [tick.pair for tick in snapshot.ticks] == ["USD/KGS", "USD/KZT", "USD/TJS", "USD/UZS"]


def test_other_currencies_of_a_bank_are_not_read():
    # On this day the bank printed a rate for the manat that was off by 14 %.
    assert [tick.pair for tick in parsed("cbu").ticks] == ["USD/UZS"]
    with pytest.raises(NoTicker):
        parsed("nbkr", payload("nbkr_weekly_2026-05-23.xml"))
    with pytest.raises(ParseError):
        parsed("cbr", payload("cbr_dynamic_uzs_2026-03.xml"))


# Constants


def test_peg_is_a_dated_constant_and_not_a_source():
    peg = CONSTANTS["tmt-peg"]
    require_source_id(peg.id)
    assert (peg.pair, peg.rate_text, peg.since) == ("USD/TMT", "3.5", date(2015, 1, 1))
    assert peg.stated
    assert not set(CONSTANTS) & set(known_sources())
    assert abs(Decimal(peg.rate_text) / PER_DOLLAR["TMT"] - 1) < Decimal("0.05")


# Days, spans and differences


@pytest.mark.parametrize(
    "text",
    [
        "01.04.2026",
        "01/04/2026",
        "2026-04-01",
        "2026-4-1",
        "2026-4-01",
        "1.4.2026",
        "2026-04-01T00:00:00",
        "2026-04-01T00:00:00.000Z",
    ],
)
def test_printed_day_is_read_in_every_format_in_use(text):
    assert read_day(text) == date(2026, 4, 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1/4/2026",
        "2026-13-1",
        "2026-2-29",
        "26-4-1",
        "2026-004-1",
        "01.04.26",
        "01.04/2026",
        "2026/04/01",
        "29.02.2025",
        "20260401",
        "01.04.2026 ",
        "\u0661" * 8,
    ],
)
def test_text_that_is_no_day_is_damage(text):
    with pytest.raises(DamagedPage, match="not a day"):
        read_day(text)


@pytest.mark.parametrize(("name", "after", "upto", "days"), CASES["publishing_days_follow_the_calendar_of_the_source"])
def test_publishing_days_follow_the_calendar_of_the_source(name, after, upto, days):
    assert known_sources()[name].publishing_days(after, upto) == days


def printed(day, rate_text, difference="", nominal="1"):
    return Snapshot((quoted("USD/UZS", rate_text, nominal=nominal, difference=difference),), day, 1)


@pytest.mark.parametrize("name", ["cbu", "nbk"])
def test_printed_difference_of_a_bank_matches_its_rates(name):
    source = known_sources()[name]
    before, [after] = parsed(name), parsed_history(name)
    assert after.ticks[0].difference_text == {"cbu": "-52.11", "nbk": "-3.68"}[name]
    assert difference_mismatches(source, before, after) == []
    other = source.parse(SNAPSHOTS[name].body.replace(b"12194.21", b"12149.21").replace(b"478.77", b"487.77"), {})
    assert difference_mismatches(source, other, after) == [after.ticks[0].pair]


@pytest.mark.parametrize(
    ("before", "after", "is_mismatch"),
    [
        (
            printed(date(2026, 4, 3), "100.00"),
            printed(date(2026, 4, 6), "100.50", "0.5"),
            False,
        ),  # Friday to Monday
        (printed(date(2026, 4, 3), "100.00"), printed(date(2026, 4, 6), "100.50", "+0,50"), False),
        (printed(date(2026, 4, 3), "100.00"), printed(date(2026, 4, 6), "100.50", "-0.5"), True),
        (printed(date(2026, 4, 3), "100.00"), printed(date(2026, 4, 6), "100.50", "0.51"), True),
        (printed(date(2026, 4, 3), "100.00"), printed(date(2026, 4, 6), "100.50"), False),
        (
            printed(date(2026, 4, 2), "100.00"),
            printed(date(2026, 4, 6), "100.50", "9"),
            False,
        ),  # without Friday
        (printed(date(2026, 4, 6), "100.00"), printed(date(2026, 4, 6), "100.50", "9"), False),
        (printed(date(2026, 4, 6), "100.00"), printed(date(2026, 4, 3), "100.50", "9"), False),
        (printed(None, "100.00"), printed(date(2026, 4, 6), "100.50", "9"), False),
        (printed(date(2026, 4, 3), "100.00"), printed(None, "100.50", "9"), False),
        (printed(date(2026, 4, 3), "100.00"), printed(date(2026, 4, 6), "1005.00", "9", nominal="10"), False),
    ],
)
def test_difference_is_checked_only_between_consecutive_publishing_days(before, after, is_mismatch):
    assert difference_mismatches(known_sources()["cbu"], before, after) == (["USD/UZS"] if is_mismatch else [])


def test_span_is_sorted_by_day_and_repeated_day_is_damage():
    days = [date(2026, 4, 3), date(2026, 4, 1)]
    assert [each.source_date for each in for_span([printed(day, "1") for day in days], days[1], days[0])] == days[::-1]
    with pytest.raises(DamagedPage, match="2026-04-01 twice"):
        for_span([printed(days[1], "1"), printed(days[1], "2")], days[1], days[0])


def test_invalid_difference_is_damage_and_missing_one_is_none():
    body = SNAPSHOTS["cbu"].body
    with pytest.raises(DamagedPage, match="USD/UZS: not a difference: 'up'"):
        parsed("cbu", body.replace(DIFFERENCE, b'"Diff":"up"'))
    [tick] = parsed("cbu", body.replace(DIFFERENCE, b'"Diff":null')).ticks
    assert tick.difference_text is None


def test_json_type_of_numbers_is_checked():
    with pytest.raises(DamagedPage, match="must be numbers"):
        parsed("fawazahmed0", b'{"date": "2026-09-29", "usd": {"kgs": "87.4"}}')
    with pytest.raises(DamagedPage, match="must be texts"):
        parsed("cbu", b'[{"Ccy": "USD", "Rate": 12194.21, "Nominal": "1", "Diff": "0", "Date": "01.04.2026"}]')


def test_answer_with_the_dollar_alone_is_refused():
    body = SNAPSHOTS["cbr"].body
    for code in (b"KZT", b"KGS", b"TJS", b"TMT", b"UZS"):
        body = body.replace(code, b"EUR")
    with pytest.raises(NoTicker, match="no KGS or KZT or TJS or TMT or UZS"):
        parsed("cbr", body)


@pytest.mark.parametrize("name", ["nbk", "nbkr", "nbt", "cbr"])
def test_blank_lines_before_a_document_are_ignored(name):
    assert parsed(name, b"\r\n  " + SNAPSHOTS[name].body) == parsed(name)
