"""A grammar of markup: seeded pages that show the ticker in the usual and odd ways in which HTML shows and hides.

The parts stand in ``cases/markup.toml``. A page is *sound* if nothing odd touches a figure: its ticks are then known.
"""

import random
import re
from dataclasses import dataclass
from datetime import date, timedelta

from builders import cases

from fxticker.model.records import PrintedTick
from fxticker.simulation.captures import read_captures

PARTS = cases("markup")
CAPTURES = [capture.ticks for capture in read_captures()]
_ALPHABETS = ["\uff10", "\u0660", "\u06f0", "\u0966", "\U0001d7ce", "\U0001d7ec", "\u2080", "\U0001d7f6"]
"""The zero of full-width, Arabic-Indic, Persian, Devanagari, bold, sans-serif, subscript and monospace digits."""
_REFERENCES = ["&#{0};", "&#x{0:x};", "&#X{0:X};", "&#000{0};", "&#{0}"]
_ODD = ("hidden", "shown", "marks", "splits", "broken", "limits", "digits", "references", "nested", "whole")
_FIGURE = re.compile(r"[0-9]")
_FOREIGN = re.compile("<(?:svg|math)>")
_WRAPPERS = [wrapper for wrapper in PARTS["wrappers"] if "<a" not in wrapper]
"""For what stands in a link already: links do not nest."""


@dataclass(frozen=True)
class Page:
    """A page, and what is known of it.

    Attributes
    ----------
    html
        Its source.
    kind, part
        What is odd about it, and the part of the grammar that makes it so; "sound" if nothing is.
    ticks
        What it prints, if it is read at all; None if only a browser can tell.
    source_date
        Its date, likewise.
    """

    html: str
    kind: str
    part: str
    ticks: tuple[PrintedTick, ...] | None
    source_date: date | None

    @property
    def is_sound(self):
        return self.kind == "sound"

    @property
    def is_limit(self):
        return self.kind == "limits"


def pages(count, seed):
    """That many pages; the same for the same seed."""
    return [_page(random.Random(f"{seed}/{number}")) for number in range(count)]


def _page(rng):
    ticks = rng.choice(CAPTURES)
    if rng.random() < 0.1:
        ticks = (*ticks[:-1], PrintedTick("USD/UZS", f"{rng.randint(10_000, 13_000)}.{rng.randint(0, 99):02}", "0.1%"))
    kind = "sound" if rng.random() < 0.3 else rng.choice(_ODD)
    copies = rng.choice([1, 2, 3, 8])
    seed = rng.random()
    oddity = _oddity(rng, kind)
    number, is_change = rng.randrange(len(ticks)), rng.random() < 0.3
    layout, item = rng.choice(PARTS["layouts"])
    everywhere = kind == "sound" or rng.random() < 0.8
    blocks = []
    for copy in range(copies):
        styled = random.Random(seed)  # as a site does: all copies are of one template
        spoilt = kind != "sound" and (everywhere or copy == copies - 1)
        options = {"is_change": is_change, "may_link": "<a" not in item}
        entries = [
            _entry(styled, tick, oddity if spoilt and place == number else None, **options)
            for place, tick in enumerate(ticks)
        ]
        blocks.append(layout.replace("{}", "".join(item.replace("{}", entry) for entry in entries)))
    page_date, date_line = _date(rng)
    body = [*_surroundings(rng), *blocks, date_line, *_surroundings(rng), *_surroundings(rng)]
    html = (
        f'<!doctype html><html><head><meta charset="utf-8"><title>Page</title><style>{PARTS["style"]}</style></head>'
        f"<body>{''.join(body)}<footer><p>Generated for a test, with words enough behind the last figure.</p></footer>"
    )
    known = None if kind in ("shown", "limits", "nested") else () if kind == "broken" else ticks
    return Page(html, kind, oddity.part if oddity else "", known, page_date)


@dataclass(frozen=True)
class _Oddity:
    """What is done to one figure, the same in each copy."""

    kind: str
    part: str
    seed: float

    def applied(self, figure):
        rng = random.Random(self.seed)
        if self.kind == "digits":
            return _other_digits(rng, figure, self.part)
        if self.kind == "references":
            place = rng.randrange(len(figure))
            return figure[:place] + self.part.format(ord(figure[place])) + figure[place + 1 :]
        digits = str(rng.randint(1, 9) if rng.random() < 0.7 else rng.randint(10, 99))
        # Every place of a figure, its begin and its end too; a percentage's sign is behind its last digit.
        place = rng.randint(0, len(figure))
        if self.kind in ("hidden", "shown", "nested"):
            return figure[:place] + self.part.replace("{}", digits) + figure[place:]
        if self.kind == "whole":
            return self.part.replace("{}", _altered(rng, figure)) + figure
        if self.kind == "marks":
            place = rng.choice([0, len(figure), len(figure.rstrip("%"))])
            return figure[:place] + self.part.replace("{n}", digits) + figure[place:]
        digits_end = [match.end() for match in _FIGURE.finditer(figure)]
        place = rng.choice(digits_end if self.kind == "broken" else digits_end[:-1] or digits_end)
        return self.part.replace("{a}", figure[:place]).replace("{b}", figure[place:]).replace("{n}", digits)


def _oddity(rng, kind):
    if kind == "sound":
        return None
    if kind == "digits":
        part = rng.choice(_ALPHABETS)
    elif kind == "references":
        part = rng.choice(_REFERENCES)
    elif kind == "nested":
        inner, outer = (rng.choice(PARTS[rng.choice(["hidden", "shown"])]) for _ in range(2))
        if _FOREIGN.match(outer):  # what is text only in HTML is markup there, which is not followed
            inner = "{}"
        part = outer.replace("{}", inner)
    else:
        part = rng.choice(PARTS["hidden" if kind == "whole" else kind])
    return _Oddity(kind, part, rng.random())


def _entry(rng, tick, oddity, *, is_change, may_link):
    rate, change = tick.rate_text, tick.change_text
    if oddity and is_change:
        change = oddity.applied(change)
    elif oddity:
        rate = oddity.applied(rate)
    whole = rng.choice(PARTS["wrappers"] if may_link else _WRAPPERS)
    may_link = may_link and "<a" not in whole
    pair, rate, change = (_wrapped(rng, text, may_link=may_link) for text in (tick.pair, rate, change))
    before, behind, between = (rng.choice(PARTS["gaps"]) for _ in range(3))
    return whole.replace("{}", f"{pair}{before}={behind}{rate}{between}{change}")


def _wrapped(rng, text, *, may_link):
    return rng.choice(PARTS["wrappers"] if may_link else _WRAPPERS).replace("{}", text)


def _other_digits(rng, figure, zero):
    places = [match.start() for match in _FIGURE.finditer(figure)]
    chosen = places if rng.random() < 0.5 else rng.sample(places, 1)
    return "".join(chr(ord(zero) + int(char)) if place in chosen else char for place, char in enumerate(figure))


def _altered(rng, figure):
    return _FIGURE.sub(lambda match: str(rng.randint(0, 9)), figure)


def _date(rng):
    day = date(2024, 9, 8) + timedelta(days=rng.randrange(500))
    line = rng.choice(PARTS["dates"])
    text = line.format(day=day.day, month=f"{day:%B}", year=day.year, weekday=f"{day:%A}")
    return (day if line else None), text


def _surroundings(rng):
    return [rng.choice(PARTS["surroundings"]) for _ in range(rng.randint(0, 4))]
