"""Page: the whole document, with its head, style and sections."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from fxticker.model.currencies import name_of
from fxticker.model.timestamps import lookup_text, minute_text
from fxticker.report.daily import changed_text, daily_section
from fxticker.report.drawings import Charts
from fxticker.report.facts import MonthFacts
from fxticker.report.html import Content, Html, element
from fxticker.report.limits import limits_section
from fxticker.report.moves import move_sentences, moves_section
from fxticker.report.official import official_section, official_sentences
from fxticker.report.rates import rates_section
from fxticker.report.record import record_section, record_sentences
from fxticker.report.texts import exact, listed
from fxticker.sources.age_limits import TICKER
from fxticker.sources.registry import source_of

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""What the page may load: nothing; its styles are its own."""


def page_of(facts: MonthFacts, charts: Charts) -> str:
    """Return the report as the text of an HTML document; a section has those of its charts that are given."""
    title = f"Exchange rates against the US dollar, {facts.period.name}"
    style = Html(Path(__file__).with_name("page.css").read_text("utf-8"))
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", style),
    )
    body = element(
        "body",
        element("header", element("h1", title), *_lead(facts)),
        element("main", *_sections(facts, charts)),
        element("footer", *_footer(facts)),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en').text}\n"


def _lead(facts: MonthFacts) -> list[Html]:
    period = facts.period
    if facts.main is None:
        before = facts.last_before
        last = (
            f" The last one before is of {minute_text(before.astimezone(period.zone))}." if before is not None else ""
        )
        what = f"No tick is on record in {period.name}, so that nothing can be stated about its rates.{last}"
    else:
        source = source_of(facts.main)
        address = f" ({source.url})" if source is not None else ""
        who = f"the {'ticker' if facts.main == TICKER else 'source'} {facts.main}{address}"
        what = (
            f"What {who} showed for {_names_of(facts.pairs)}, as fxticker recorded it, with what its rounded digits "
            "can prove and what they cannot. A tick is one rate as it was shown at one instant, a poll one attempt to "
            "read it."
        )
    lead = [element("p", what, class_="lead")]
    if period.is_running:
        cut = f"{lookup_text(period.cut.astimezone(period.zone))} {period.zone!s}"
        lead.append(element("p", element("strong", "The month has not ended. "), f"This report is cut at {cut}."))
    return lead


def _names_of(pairs: tuple[str, ...]) -> str:
    codes = [pair.partition("/")[0] for pair in pairs]
    return listed([f"{code} ({name_of(code)})" if name_of(code) != code else code for code in codes])


def _sections(facts: MonthFacts, charts: Charts) -> list[Html]:
    sections: list[tuple[str, str, Html]] = []
    if facts.pairs:
        sections = [
            ("short", "In short", _short(facts)),
            ("rates", "The last rates of the month", rates_section(facts)),
            ("change", "The change over the month", moves_section(facts, charts)),
            ("official", f"Official rates beside {facts.subject}", official_section(facts, charts)),
            ("days", "What changed when", daily_section(facts, charts)),
        ]
    sections.append(("record", "What is on record", record_section(facts, charts)))
    sections.append(("limits", "What these figures cannot say", limits_section(facts)))
    return [element("section", element("h2", name, id=key), part, aria_labelledby=key) for key, name, part in sections]


def _short(facts: MonthFacts) -> Html:
    lines: list[Content] = [
        " ".join(record_sentences(facts)),
        *move_sentences(facts),
        " ".join(official_sentences(facts)),
        changed_text(facts),
    ]
    return element("ul", *(element("li", line) for line in lines))


def _footer(facts: MonthFacts) -> list[Html]:
    period = facts.period
    known = period.cut if facts.newest is None or period.is_running else max(facts.newest, period.cut)
    zone = "" if str(period.zone) == "UTC" else f" --tz {period.zone!s}"
    command = f"fxticker report --month {period.month} --as-of {exact(known)}{zone} -o report.html"
    addresses = [f"{name}: {source.url}" for name in _names(facts) if (source := source_of(name)) is not None]
    words: list[Html] = [element("p", "Sources: ", "; ".join(addresses), ".")] if addresses else []
    words.append(
        element(
            "p",
            f"Made with fxticker {version('fxticker')}. The command below makes this page again from the same store, "
            "whatever was recorded or put right since; with the same versions of all packages its bytes are the same.",
        )
    )
    return [*words, element("p", element("code", command))]


def _names(facts: MonthFacts) -> list[str]:
    """Return the sources that the report has figures of."""
    official = facts.compared.dropna(subset=["official"])["source"] if len(facts.compared) else ()
    return sorted({str(name) for name in (*([facts.main] if facts.main else []), *official)})
