"""Contract of a source: the built-in ones keep it, and each way of breaking it is named."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from fxticker.errors import DamagedPage
from fxticker.model.records import Evidence
from fxticker.sources import PrintedTick, Snapshot, nbk
from fxticker.sources.contract import check_history, check_source
from fxticker.sources.registry import source_of

BODY = (Path(__file__).parent / "payloads" / "nbk_get_rates_2026-04-01.xml").read_bytes()
DAY = date(2026, 4, 1)
PRINTED = [("USD/KZT", "478.77", 1)]


def check(*, printed=PRINTED, day=DAY, **changes):
    check_source(replace(nbk.SOURCE, **changes), BODY, {}, printed=printed, day=day)


def reading(change):
    """A parser that makes something else of what it reads."""
    return lambda body, headers: change(nbk.parse(body, headers))


def hasty(body, headers):
    """Reads the first number behind the dollar's title, whole or not."""
    text = body.decode("utf-8", "replace").partition("<title>USD</title>")[2]
    rate = text.partition("<description>")[2].partition("<")[0]
    if not rate:
        raise DamagedPage("no dollar")
    return Snapshot((PrintedTick("USD/KZT", rate, None),), DAY, 1)


def lenient(body, headers):
    """Gives a body without rates no ticks, in place of an error."""
    return nbk.parse(body, headers) if b"<item>" in body else Snapshot((), DAY, 1)


def careless(body, headers):
    """Fails by itself where there is no XML."""
    return nbk.parse(body, headers) if body.startswith(b"<?xml") else nbk.parse(None, headers)


def doubled(snapshot):
    return replace(snapshot, ticks=snapshot.ticks * 2)


BREACHES = {
    "fields": ({"stale_after_days": 0}, "stale_after_days must be a whole number"),
    "date": ({"day": date(2026, 4, 2)}, "the date is read as 2026-04-01, and is 2026-04-02"),
    "rate": ({"printed": [("USD/KZT", "478.70", 1)]}, "in the answer are read .*478.77.*, and it prints .*478.70"),
    "hasty": ({"parse": hasty}, r"in the first \d+ bytes are read \[\('USD/KZT', '4[0-9.]*'\)\]"),
    "lenient": ({"parse": lenient}, r"b'' is read as \[\], and must be refused"),
    "careless": ({"parse": careless}, "b'' raises .*Error, and must raise a ParseError"),
    "pair": (
        {"parse": reading(lambda read: replace(read, ticks=(PrintedTick("USD", "478.77", None),)))}
        | {"printed": [("USD", "478.77", 1)]},
        "USD is no pair",
    ),
    "number": (
        {"parse": reading(lambda read: replace(read, ticks=(PrintedTick("USD/KZT", "478,770", None),)))}
        | {"printed": [("USD/KZT", "478,770", 1)]},
        "the store cannot take what is read: .*478,770",
    ),
    "twice": ({"parse": reading(doubled), "printed": PRINTED * 2}, "a pair stands there twice"),
    "evidence": (
        {"evidence": lambda body, headers, snapshot: Evidence("text/xml", None, BODY.replace(b"478.77", b"478.70"))},
        "in the kept piece of the answer are read .*478.70",
    ),
}


@pytest.mark.parametrize(("changes", "message"), BREACHES.values(), ids=BREACHES)
def test_breach_of_the_contract_is_named(changes, message):
    with pytest.raises((AssertionError, TypeError), match=message):
        check(**changes)


def test_answer_that_is_read_in_two_ways_is_a_breach():
    answers = iter(range(1, 1000))
    with pytest.raises(AssertionError, match="in two ways"):
        check(parse=reading(lambda read: replace(read, copies=next(answers))))


def history(**changes):
    source = replace(nbk.SOURCE, history=replace(nbk.SOURCE.history, **changes))
    check_history(source, BODY, {}, first=DAY, last=DAY, printed={DAY: PRINTED})


def test_breach_of_a_history_is_named():
    history()
    with pytest.raises(AssertionError, match=r"requested from example\.org"):
        history(path=lambda first, last: "https://example.org/")
    with pytest.raises(AssertionError, match="are given for 1993-01-02"):
        history(parse=lambda body, headers, first, last: [nbk.parse(body, headers)])
    with pytest.raises(AssertionError, match="no history"):
        check_history(source_of("timesca"), BODY, {}, first=DAY, last=DAY, printed={})
