"""The ticker in a page: found by its text, read exactly, refused if damaged."""

import time
from datetime import date
from html import escape

import pytest
from builders import PRINTED_TICKS as TICKS
from builders import TICKER, cases
from hypothesis import given
from hypothesis import strategies as st
from laws import law

import fxticker as fx
from fxticker.model.records import PrintedTick, Snapshot
from fxticker.simulation.captures import read_captures
from fxticker.simulation.site import render_html, render_text

CASES = cases("ticker")

DAY = date(2025, 11, 14)
WITHOUT_CHANGES = tuple(PrintedTick(pair, rate, None) for pair, rate, _ in TICKER)
SIX = (*TICKS, PrintedTick("AFN/USD", "0.01510", "1.5%"))
FILLER = "Filler of a test page, nothing more."


def block(ticks=TICKS, copies=2, separator="\n  \u2022 "):
    return separator.join(shown(tick) for tick in [*ticks] * copies)


def shown(tick):
    return f"{tick.pair} = {tick.rate_text}" + (f" {tick.change_text}" if tick.change_text else "")


# --- what a sound page is ---------------------------------------------------------------------------------------------


def test_captured_page_reads_exactly():
    page = """
• KGS/USD = 0.01144 0%
  • KZT/USD = 0.00191 -0%
  • TJS/USD = 0.10840 0.37%
  • UZS/USD = 0.00008 0%
  • TMT/USD = 0.28571 0%
14 November 2025
Filler of a test page.
"""

    assert fx.parse(page) == Snapshot(
        ticks=(
            PrintedTick("KGS/USD", "0.01144", "0%"),
            PrintedTick("KZT/USD", "0.00191", "-0%"),
            PrintedTick("TJS/USD", "0.10840", "0.37%"),
            PrintedTick("UZS/USD", "0.00008", "0%"),
            PrintedTick("TMT/USD", "0.28571", "0%"),
        ),
        source_date=date(2025, 11, 14),
        copies=1,
    )


@pytest.mark.parametrize("render", [render_text, render_html])
def test_every_capture_reads_exactly(render):
    captures = read_captures()

    snapshots = [fx.parse(render(capture.ticks, capture.page_date)) for capture in captures]

    assert len(snapshots) == 214
    assert snapshots == [Snapshot(capture.ticks, capture.page_date, 8) for capture in captures]


@pytest.mark.parametrize("render", [render_text, render_html])
def test_bytes_read_as_the_text_does(render):
    assert fx.parse(render(TICKS, DAY).encode()) == Snapshot(TICKS, DAY, 8)


@pytest.mark.parametrize("ticks", [TICKS[:4], TICKS, SIX, TICKS[::-1], TICKS[2:] + TICKS[:2], WITHOUT_CHANGES[1:]])
@pytest.mark.parametrize("render", [render_text, render_html])
def test_any_number_and_order_of_pairs_is_read(ticks, render):
    assert fx.parse(render(ticks, DAY)) == Snapshot(tuple(ticks), DAY, 8)


@pytest.mark.parametrize("copies", [1, 2, 3, 8, 40])
def test_copies_are_counted(copies):
    assert fx.parse(block(copies=copies)).copies == copies


def test_copies_may_differ_in_order_and_stand_apart():
    page = f"{block()}\n{FILLER}\n{block(TICKS[::-1])}\n14 November 2025\n"

    assert fx.parse(page) == Snapshot(TICKS, DAY, 4)


@pytest.mark.parametrize("separator", CASES["any_bullet_or_separator_is_accepted"])
@pytest.mark.parametrize("ticks", [TICKS, WITHOUT_CHANGES], ids=["changes", "no changes"])
def test_any_bullet_or_separator_is_accepted(separator, ticks):
    assert fx.parse(block(ticks, separator=separator)) == Snapshot(ticks, None, 2)


@pytest.mark.parametrize("space", ["\xa0", "\u2009", "\u202f", "\u2007", "\t", "  ", "\u3000", "\n"])
def test_any_white_space_is_accepted(space):
    assert fx.parse(block().replace(" ", space)) == Snapshot(TICKS, None, 2)


@pytest.mark.parametrize(
    ("old", "new"),
    [(" = ", "="), (" = ", ": "), ("/", " / "), ("%", " %"), ("%", "\u202f%"), ("/", "\u200b/"), ("0.", "0.\u2060")],
)
def test_spacing_and_invisible_marks_are_not_part_of_a_number(old, new):
    assert fx.parse(block().replace(old, new)) == Snapshot(TICKS, None, 2)


@pytest.mark.parametrize("text", ["0%", "-0%", "-0.00%", "0.10%", "0.1%", "100%", "-166.67%", "333.33%", "-99.99%"])
def test_percentage_is_kept_as_printed(text):
    ticks = (PrintedTick("KGS/USD", "0.01144", text), *TICKS[1:])

    assert fx.parse(block(ticks)).ticks == ticks


@pytest.mark.parametrize("text", ["\u22121.5%", "\u20131.5%", "\uff0d1.5%", "+1.5%", "1,5%", "\u22120%", "+0%"])
def test_other_minus_plus_and_decimal_comma_are_kept_as_printed(text):
    ticks = (PrintedTick("KGS/USD", "0.01144", text), *TICKS[1:])

    assert fx.parse(block(ticks)).ticks == ticks


@pytest.mark.parametrize("text", ["0.10840", "0,10840", "10.84000", "1.14400", "87", "87.0", "0.000000000001", "+0.5"])
def test_unusual_rate_is_kept_as_printed(text):
    ticks = (PrintedTick("KGS/USD", text, "0%"), *TICKS[1:])

    assert fx.parse(block(ticks)).ticks == ticks


@pytest.mark.parametrize("missing", [0, 2, 4])
@pytest.mark.parametrize("render", [render_text, render_html])
def test_missing_percentage_is_none(missing, render):
    ticks = (*TICKS[:missing], WITHOUT_CHANGES[missing], *TICKS[missing + 1 :])

    assert fx.parse(render(ticks, DAY)) == Snapshot(ticks, DAY, 8)


def test_ticker_without_percentages_is_read():
    assert fx.parse(block(WITHOUT_CHANGES, copies=1)) == Snapshot(WITHOUT_CHANGES, None, 1)


@pytest.mark.parametrize("text", ["3% growth was filler.", "3 % growth was filler."])
@pytest.mark.parametrize("copies", [1, 2])
def test_percentage_in_the_text_below_is_no_change(text, copies):
    assert fx.parse(f"{block(WITHOUT_CHANGES, copies)}\n{text}\n") == Snapshot(WITHOUT_CHANGES, None, copies)


# --- markup and encoding ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", CASES["markup_around_the_numbers_is_ignored"])
def test_markup_around_the_numbers_is_ignored(entry):
    items = "".join(entry.format(pair=tick.pair, rate=tick.rate_text, change=tick.change_text) for tick in TICKS)
    page = f"<!doctype html><html><body><nav>Filler</nav>{items * 2}<p>14 November 2025</p></body></html>"

    assert fx.parse(page) == Snapshot(TICKS, DAY, 2)


@pytest.mark.parametrize(
    "arrow", ["<img src=up.png alt='+9%'>", "<svg width=8><path d='M0 0'/></svg>", "<i class=up></i>"]
)
def test_arrow_before_the_percentage_keeps_it_on_its_line(arrow):
    entries = " &bull; ".join(f"{tick.pair} = {tick.rate_text} {arrow} {tick.change_text}" for tick in TICKS)

    assert fx.parse(f"<!doctype html><p>{entries}</p>") == Snapshot(TICKS, None, 1)


@pytest.mark.parametrize(("char", "entity"), CASES["entities_are_read_as_their_characters"])
def test_entities_are_read_as_their_characters(char, entity):
    assert fx.parse(f"<html>{block().replace(char, entity)}") == Snapshot(TICKS, None, 2)


def test_number_split_by_inline_tags_is_one_number():
    page = f"<html>{block().replace('.', '<b>.</b>').replace('/USD', '<i>/U</i>SD')}"

    assert fx.parse(page) == Snapshot(TICKS, None, 2)


@pytest.mark.parametrize("unseen", CASES["invisible_text_is_no_entry"])
def test_invisible_text_is_no_entry(unseen):
    page = render_html(TICKS, DAY).replace("<body>", f"<body>{unseen}").replace("</body>", f"{unseen}</body>")

    assert fx.parse(page) == Snapshot(TICKS, DAY, 8)


@pytest.mark.parametrize(
    "page",
    [
        b"\xef\xbb\xbf" + block().encode(),
        b"\xff\xfe" + block().encode("utf-16-le"),
        b"\xfe\xff" + block().encode("utf-16-be"),
        "\ufeff" + block(),
        block().encode("windows-1251"),
    ],
    ids=["utf-8", "utf-16-le", "utf-16-be", "text", "none, and no UTF-8"],
)
def test_byte_order_mark_is_ignored(page):
    assert fx.parse(page) == Snapshot(TICKS, None, 2)


@pytest.mark.parametrize("charset", ["nonsense", "zip", "unicode_escape", "utf-7", "utf-16", "windows-1251", "koi8-r"])
def test_declared_charset_never_hides_the_ticker(charset):
    page = f'<html><meta charset="{charset}"><p>{block(separator=" | ")}</p></html>'.encode()

    assert fx.parse(page) == Snapshot(TICKS, None, 2)
    assert fx.parse(page, {"content-type": f"text/html; charset={charset}"}) == Snapshot(TICKS, None, 2)


@pytest.mark.parametrize("charset", ["nonsense", "zip", "unicode_escape", "utf-7", "utf-16"])
def test_minus_of_utf8_is_read_under_an_unknown_or_dangerous_charset(charset):
    ticks = (PrintedTick("KGS/USD", "0.01144", "\u22120.5%"), *TICKS[1:])
    page = f'<html><meta charset="{charset}">{block(ticks)}'.encode()

    assert fx.parse(page).ticks == ticks


@pytest.mark.parametrize(
    ("meta", "headers"),
    [
        ("<meta charset=windows-1251>", None),
        ('<meta http-equiv=Content-Type content="text/html; charset=windows-1251">', {"content-type": "text/html"}),
        ("", {"content-type": "text/html; charset=windows-1251"}),
        ("<meta charset=koi8-r>", {"content-type": "text/html; charset=windows-1251"}),
    ],
)
def test_declared_charset_is_used(meta, headers):
    ticks = (PrintedTick("KGS/USD", "0.01144", "\u20130.5%"), *TICKS[1:])
    page = f"<html>{meta}{block(ticks).replace(' = ', ' =' + chr(160))}".encode("windows-1251")

    assert fx.parse(page, headers).ticks == ticks


# --- the date ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("below", "source_date"),
    [
        ("", None),
        ("\n14 November 2025", date(2025, 11, 14)),
        ("\n\n  \u2022 14 NOVEMBER\xa02025\n", date(2025, 11, 14)),
        (" 14\n November 2025", date(2025, 11, 14)),
        ("\n1 May 2024\nFiller", date(2024, 5, 1)),
        ("\n01 May 2024", date(2024, 5, 1)),
        ("\n29 February 2024", date(2024, 2, 29)),
        ("\n14 November 2025\n12 November 2025\nFiller", date(2025, 11, 14)),
        ("\n12 November 2025\n14 November 2025\nFiller", date(2025, 11, 12)),
        ("\nFiller\n14 November 2025", None),
        ("\n31 November 2025", None),
        ("\n29 February 2025", None),
        ("\n0 May 2025", None),
        ("\n14 Novembre 2025", None),
        ("\n14 November 20255", None),
        ("\n114 November 2025", None),
        ("\n1 January 0000", None),
        ("\n14 augu\u017ft 2025", None),
    ],
)
@pytest.mark.parametrize("ticks", [TICKS, WITHOUT_CHANGES], ids=["changes", "no changes"])
def test_date_right_after_the_ticker_is_the_pages(below, source_date, ticks):
    assert fx.parse(block(ticks) + below) == Snapshot(ticks, source_date, 2)


def test_date_before_the_ticker_is_not_the_pages():
    assert fx.parse(f"13 November 2025\n{block()}\n{FILLER}").source_date is None


def test_date_after_a_copy_that_is_not_the_last_is_read():
    assert fx.parse(f"{block()}\n14 November 2025\n{FILLER}\n{block()}\n{FILLER}").source_date == DAY


# --- prices in articles -----------------------------------------------------------------------------------------------

PROSE = CASES["prose"]


@pytest.mark.parametrize("sentence", PROSE)
@pytest.mark.parametrize("page", CASES["price_in_a_sentence_is_no_entry"])
def test_price_in_a_sentence_is_no_entry(sentence, page):
    assert fx.parse(page.format(sentence=sentence, block=block())) == Snapshot(TICKS, DAY, 2)


@pytest.mark.parametrize("sentence", PROSE)
def test_price_in_the_sentence_right_below_is_no_entry(sentence):
    assert fx.parse(f"{block()}\n{sentence}\n{FILLER}") == Snapshot(TICKS, None, 2)


@pytest.mark.parametrize("sentence", PROSE)
def test_price_in_the_sentence_between_copies_is_no_entry(sentence):
    assert fx.parse(f"{block()}\n{sentence}\n{block()}") == Snapshot(TICKS, None, 4)


@pytest.mark.parametrize("sentence", CASES["quoted_price_with_a_percentage_is_no_entry"])
def test_quoted_price_with_a_percentage_is_no_entry(sentence):
    assert fx.parse(f"{block()}\n14 November 2025\n{FILLER}\n{sentence}\n") == Snapshot(TICKS, DAY, 2)


@pytest.mark.parametrize("page", CASES["quoted_price_right_beside_the_block_is_no_entry"])
def test_quoted_price_right_beside_the_block_is_no_entry(page):
    assert fx.parse(page.format(block=block())) == Snapshot(TICKS, None, 2)


@pytest.mark.parametrize(
    "page",
    ["{block}\nKGS/USD = 5, KZT/USD = 6 were the prices.", "The prices were KGS/USD = 5, KZT/USD = 6\n{block}"],
)
def test_two_prices_of_a_sentence_right_beside_the_block_are_no_entries(page):
    assert fx.parse(page.format(block=block())) == Snapshot(TICKS, None, 2)


@pytest.mark.parametrize("page", CASES["price_in_a_sentence_wrapped_in_the_source_is_no_entry"])
def test_price_in_a_sentence_wrapped_in_the_source_is_no_entry(page):
    assert fx.parse(page.format(block=block(), filler=FILLER)) == Snapshot(TICKS, None, 2)


@pytest.mark.parametrize("line", ["Photo/Agency: some name", "He/she: filler", "and/or = filler"])
@pytest.mark.parametrize("page", ["{line}\n{block}", "{block}\n{line}\n{filler}"])
def test_words_with_a_slash_and_a_colon_beside_the_block_are_no_entry(line, page):
    assert fx.parse(page.format(line=line, block=block(), filler=FILLER)) == Snapshot(TICKS, None, 2)


@pytest.mark.parametrize("word", ["Currencies", "AllCurrencies", "Currenc\u00eds"])
def test_word_longer_than_a_code_can_be_makes_no_entry(word):
    assert fx.parse(f"{block()}\n{FILLER}\n{word}/USD = 5 3%\n") == Snapshot(TICKS, None, 2)


@pytest.mark.parametrize(("line", "reason"), CASES["codes_are_the_letters_right_beside_the_slash"])
def test_codes_are_the_letters_right_beside_the_slash(line, reason):
    with pytest.raises(fx.DamagedPage, match=reason):
        fx.parse(f"{block()}\n{FILLER}\n{line}\n")


# --- pages without a ticker -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "page",
    [
        "",
        b"",
        FILLER,
        "<!doctype html><html><body><p>Filler</p></body></html>",
        "At the bazaar KGS/USD = 5 is filler.",
        "KGS/USD and KZT/USD, TJS/USD or UZS/USD",
        "<html><script>" + block() + "</script></html>",
        "<html><!-- " + block() + " --></html>",
        "14 November 2025",
        b"\x00\xff\xfe" * 100,
    ],
)
def test_page_without_ticker_is_named(page):
    with pytest.raises(fx.NoTicker):
        fx.parse(page)


# --- damage -----------------------------------------------------------------------------------------------------------


def accepted_cuts(page, first, last):
    """The texts left of those cuts that are read as a sound page."""
    kept = []
    for cut in range(first, last):
        try:
            fx.parse(page[:cut])
        except fx.DamagedPage:
            continue
        kept.append(page[:cut])
    return kept


BULLETS = ("\n", "\n  \u2022 ", " | ", " \u2022 ", " \u2014 ", "\n* ", "\n- ", " / ", "\xa0\u00b7\xa0")


@pytest.mark.parametrize("separator", BULLETS)
@pytest.mark.parametrize("ticks", [TICKS, WITHOUT_CHANGES, TICKS[::-1]], ids=["changes", "no changes", "reversed"])
@pytest.mark.parametrize("copies", [2, 3])
def test_copy_cut_short_is_damaged(separator, ticks, copies):
    page = block(ticks, copies, separator)

    assert accepted_cuts(page, page.rindex(ticks[0].pair) + 1, len(page)) == []


@pytest.mark.parametrize("separator", [", ", "; ", ": ", " "])
@pytest.mark.parametrize("ticks", [TICKS, WITHOUT_CHANGES], ids=["changes", "no changes"])
def test_copy_cut_short_on_one_line_is_damaged(separator, ticks):
    page = block(ticks, 2, separator)

    assert accepted_cuts(page, page.rindex(ticks[0].pair) + 1, len(page)) == []


def test_number_cut_short_on_one_line_is_damage():
    page = block(copies=2, separator=" ")

    with pytest.raises(fx.DamagedPage):
        fx.parse(page[: page.rindex("KGS/USD = 0.01144") + len("KGS/USD = 0.01")])


@pytest.mark.parametrize("end", ["\n_ KGS", "\n1. KGS/U", " |||| KGS", "\n\u2022 \U0001f1f0\U0001f1ec KGS/USD"])
def test_pair_cut_short_behind_a_long_bullet_is_damaged(end):
    with pytest.raises(fx.DamagedPage):
        fx.parse(block() + end)


@pytest.mark.parametrize("changes", [True, False])
def test_copy_of_a_page_cut_short_is_damaged(changes):
    ticks = TICKS if changes else WITHOUT_CHANGES
    page = render_html(ticks, None, 3)
    first, last = page.rindex("KGS/USD</b>") + 1, page.rindex("0.28571") + len("0.28571")

    assert [page for page in accepted_cuts(page, first, last) if not page.endswith("KGS/USD<")] == []


@pytest.mark.parametrize(
    "page",
    [
        f"<html>{block()}<li><b>KGS/USD<",
        f"<html>{block()}<li><b>KGS&",
        f"<html>{block()}<li><b>KGS/USD&nbs",
        f"<html>{block()}<li><b>KGS&#",
        f"{block()}\nKGS/USD".encode() + b"\xc2",
        f"{block()}\nKGS/USD".encode() + b"\xe2\x80",
    ],
)
def test_copy_cut_inside_a_tag_entity_or_character_is_damaged(page):
    with pytest.raises(fx.DamagedPage):
        fx.parse(page)


@pytest.mark.parametrize("cut", ["0.28571 0", "0.28571 -", "0.2857", "0.2"])
def test_single_copy_cut_in_its_last_numbers_is_damaged(cut):
    with pytest.raises(fx.DamagedPage):
        fx.parse(block(copies=1).replace("0.28571 0%", cut))


def test_cut_between_copies_leaves_whole_copies():
    page = block(copies=3)

    assert fx.parse(page[: page.rindex("KGS/USD")]) == Snapshot(TICKS, None, 2)


@pytest.mark.parametrize("copies", [1, 2, 7])
@pytest.mark.parametrize("kept", [1, 2, 3, 4])
@pytest.mark.parametrize("below", ["", "\n14 November 2025\n", f"\n{FILLER}"])
def test_copy_that_lacks_pairs_is_damaged_whatever_follows(copies, kept, below):
    with pytest.raises(fx.DamagedPage, match="cut short"):
        fx.parse(f"{block(copies=copies)}\n{block(TICKS[:kept], 1)}{below}")


@pytest.mark.parametrize("kept", [1, 2, 3])
@pytest.mark.parametrize("copies", [1, 2])
def test_too_few_pairs_are_damage(kept, copies):
    with pytest.raises(fx.DamagedPage, match="fewer than the 4 ever seen"):
        fx.parse(block(TICKS[:kept], copies))


@pytest.mark.parametrize(
    ("rate", "change"),
    [("0.10841", "0.37%"), ("0.1084", "0.37%"), ("0,10840", "0.37%"), ("0.10840", "0.38%"), ("0.10840", "-0.37%")],
)
@pytest.mark.parametrize("place", [0, 1, 7])
@pytest.mark.parametrize("separator", ["\n", "\n  \u2022 ", " | ", ", ", " "])
def test_copies_that_disagree_are_damaged(rate, change, place, separator):
    other = (*TICKS[:2], PrintedTick("TJS/USD", rate, change), *TICKS[3:])
    copies = [block(copies=1, separator=separator)] * 8
    copies[place] = block(other, 1, separator)

    with pytest.raises(fx.DamagedPage, match=r"TJS/USD is printed as .* and as "):
        fx.parse(separator.join(copies))


def test_copies_that_disagree_on_the_sign_of_zero_are_damaged():
    with pytest.raises(fx.DamagedPage, match=r"KZT/USD is printed as 0.00191 -0% and as 0.00191 0%"):
        fx.parse(f"{block()}\n{block(copies=1).replace('-0%', '0%')}")


def test_copies_of_which_one_lacks_a_percentage_are_damaged():
    with pytest.raises(fx.DamagedPage, match=r"TJS/USD is printed as 0.10840 0.37% and as 0.10840 without a change"):
        fx.parse(f"{block()}\n{block(copies=1).replace(' 0.37%', '')}")


@pytest.mark.parametrize("separator", ["\n", "\n  \u2022 ", " | "])
def test_pair_twice_in_a_copy_with_different_values_is_damaged(separator):
    with pytest.raises(fx.DamagedPage, match=r"KGS/USD is printed as 0.01144 0% and as 0.5 0%"):
        fx.parse(block((*TICKS, PrintedTick("KGS/USD", "0.5", "0%")), 1, separator))


@pytest.mark.parametrize("separator", [", ", "; "])
def test_pair_twice_on_one_line_with_different_values_is_damaged(separator):
    with pytest.raises(fx.DamagedPage, match=r"KGS/USD is printed as 0.01144 0% and as 0.5 0%"):
        fx.parse(block((*TICKS, PrintedTick("KGS/USD", "0.5", "0%")), 1, separator))


BAD_FIGURES = CASES["bad_figures"]
FIRST, MIDDLE, LAST = TICKS, TICKS[1:3] + TICKS[:1] + TICKS[3:], TICKS[1:] + TICKS[:1]


@pytest.mark.parametrize(("old", "new", "reason"), BAD_FIGURES)
@pytest.mark.parametrize("separator", ["\n", "\n  \u2022 ", " | "])
@pytest.mark.parametrize(
    ("ticks", "copies"),
    [(FIRST, 2), (MIDDLE, 1), (MIDDLE, 2), (LAST, 1)],
    ids=["first", "lone", "middle", "lone, last"],
)
def test_invalid_number_is_damage_with_its_reason(old, new, reason, separator, ticks, copies):
    with pytest.raises(fx.DamagedPage, match=reason):
        fx.parse(block(ticks, copies, separator).replace(old, new))


@pytest.mark.parametrize("figures", ["0 0%", "-0.01144 0%", "0.0114400000000 0%", "1" * 30 + " 0%", "n/a 0%", "0%", ""])
@pytest.mark.parametrize("separator", ["\n", "\n  \u2022 "])
def test_invalid_first_number_of_a_single_copy_is_damage(figures, separator):
    with pytest.raises(fx.DamagedPage, match="KGS/USD"):
        fx.parse(block(FIRST, 1, separator).replace("0.01144 0%", figures))


@pytest.mark.parametrize("figures", ["0.01144 --5%", "0.01144 \u20115%", "0.01144 (5%)", "0.01144 \ufffd5%"])
@pytest.mark.parametrize("separator", ["\n", "\n  \u2022 ", " | "])
def test_first_percentage_of_a_single_copy_behind_a_strange_mark_is_damage(figures, separator):
    with pytest.raises(fx.DamagedPage, match="KGS/USD"):
        fx.parse(block(FIRST, 1, separator).replace("0.01144 0%", figures))


@pytest.mark.parametrize("figures", ["0.011.44 0%", "1,144.50 0%", "n/a 0%", "0%", ""])
def test_invalid_first_number_of_a_single_copy_on_one_line_is_damage(figures):
    with pytest.raises(fx.DamagedPage, match="KGS/USD"):
        fx.parse(block(FIRST, 1, " | ").replace("0.01144 0%", figures))


@pytest.mark.parametrize("text", ["0.0OO08", "0.00008x", "8e-5", "0.000O8"])
def test_letters_in_a_number_are_damage(text):
    with pytest.raises(fx.DamagedPage, match="UZS/USD"):
        fx.parse(render_html(TICKS, DAY).replace("0.00008", text))


@pytest.mark.parametrize("text", ["0.0OO44", "0.01144x", "1e-2"])
def test_letters_in_the_first_number_of_a_single_copy_are_damage(text):
    with pytest.raises(fx.DamagedPage, match="KGS/USD"):
        fx.parse(block(copies=1).replace("0.01144 0%", text))


@pytest.mark.parametrize("separator", [", ", "; "])
def test_invalid_number_at_the_end_of_a_line_of_entries_is_damage(separator):
    with pytest.raises(fx.DamagedPage, match="above zero"):
        fx.parse(block(copies=1, separator=separator).replace("0.28571", "0"))


def test_more_pairs_than_any_ticker_has_are_damage():
    codes = [f"{first}{second}X" for first in "ABCDE" for second in "ABCDEFGHIJKLM"]

    with pytest.raises(fx.DamagedPage, match="more than 64 pairs"):
        fx.parse("\n".join(f"{code}/USD = 1 0%" for code in codes))


# --- print, then parse ------------------------------------------------------------------------------------------------

CODES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=3)
PAIRS = st.tuples(CODES, CODES).filter(lambda pair: pair[0] != pair[1]).map("/".join)
RATES = st.from_regex(
    r"\+?([1-9][0-9]{0,6}(\.[0-9]{1,12}|,([0-9]{1,2}|[0-9]{4,12}))?|0[0-9]{0,5}[1-9]\.[0-9]{1,12})|0[.,][0-9]{0,11}[1-9]",
    fullmatch=True,
)
CHANGES = st.from_regex("[-+\u2212\u2013]?(0|[1-9][0-9]{0,5})([.,][0-9]{1,2})?%", fullmatch=True)
TICKERS = st.lists(
    st.builds(PrintedTick, PAIRS, RATES, st.none() | CHANGES), min_size=4, max_size=6, unique_by=lambda tick: tick.pair
).map(tuple)
DATES = st.none() | st.dates(date(1990, 1, 1), date(2099, 12, 31))
SPACES = st.sampled_from([" ", "\xa0", "\u2009", "\u202f", "  ", "\t"])
COPIES = st.integers(1, 9)


@given(
    ticks=TICKERS,
    day=DATES,
    copies=COPIES,
    space=SPACES,
    separator=st.sampled_from(["\n", "\r\n", "\n\n  ", " ", "\u2009"]),
    bullet=st.sampled_from(["", "\u2022 ", "* ", "- ", "\u2013 ", "| ", "\u2192", "\xb7\xa0", ", "]),
)
@law(150)
def test_parsing_printed_text_gives_what_was_printed(ticks, day, copies, space, separator, bullet):
    entries = [bullet + shown(tick).replace(" ", space) for tick in ticks] * copies
    below = [f"{day:%d %B %Y}".replace(" ", space)] if day else []
    page = f"{FILLER}\n\n{separator.join(entries)}\n" + "\n".join([*below, FILLER])

    assert fx.parse(page) == Snapshot(ticks, day, copies)


@given(
    ticks=TICKERS,
    day=DATES,
    copies=COPIES,
    inline=st.lists(st.sampled_from(["b", "span", "em", "A", "strong"]), max_size=3),
    element=st.sampled_from(["li", "p", "DIV", "td", "h3", "x-rate"]),
    space=st.sampled_from([" ", "&nbsp;", "&thinsp;", "&#8239;", "\n", " <wbr>"]),
    entities=st.dictionaries(st.sampled_from("/=%.0-"), st.sampled_from(["&#{};", "&#x{:x};", "&#0{};"])),
)
@law(150)
def test_parsing_printed_html_gives_what_was_printed(ticks, day, copies, inline, element, space, entities):
    spelling = str.maketrans({char: form.format(ord(char)) for char, form in entities.items()})
    before, after = "".join(f"<{tag} class='x'>" for tag in inline), "".join(f"</{tag}>" for tag in inline[::-1])
    words = [[before + escape(word).translate(spelling) + after for word in shown(tick).split(" ")] for tick in ticks]
    items = "".join(f"<{element}>{space.join(entry)}</{element}>" for entry in words)
    below = f"<p>{day:%d %B %Y}</p>" if day else ""
    page = f"<!doctype html><html><p>{FILLER}</p>{items * copies}{below}<p>{FILLER}</p></html>"

    assert fx.parse(page.encode()) == Snapshot(ticks, day, copies)


@given(st.text() | st.binary() | st.text("KGSUZTD/=:.,%0123456789 -\n\u2022<>&;b", max_size=300))
@law(200)
def test_any_page_gives_a_snapshot_or_a_named_error(page):
    try:
        outcome = fx.parse(page)
    except fx.ParseError as error:
        outcome = error

    assert isinstance(outcome, Snapshot | fx.NoTicker | fx.DamagedPage)


# --- hostile pages ----------------------------------------------------------------------------------------------------

HOSTILE = CASES["hostile"]


def hostile_page(unit, length):
    return block() + "\n" + unit * (length // len(unit))


def read(page):
    try:
        return fx.parse(page)
    except fx.ParseError as error:
        return error


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_page_is_answered(unit):
    assert isinstance(read(hostile_page(unit, 200_000)), Snapshot | fx.ParseError)


@pytest.mark.parametrize("unit", ["9", " ", "\u2022", "0.", "-", "\xa0", ",1"])
def test_endless_number_is_answered(unit):
    assert isinstance(read(f"{block()}\nKGS/USD = {unit * 200_000}"), fx.DamagedPage | Snapshot)


@pytest.mark.slow
@pytest.mark.parametrize(
    "length", [500_000, 2_500_000]
)  # the shorter pages hold fewer entries than parsing gives up at
@pytest.mark.parametrize("unit", HOSTILE)
def test_work_grows_with_the_length_of_a_hostile_page(unit, length):
    short, long = (cpu_seconds(hostile_page(unit, size)) for size in (length, 4 * length))

    # Four times the page: linear work is 4 times as much, quadratic 16 times. The addend keeps tiny times out of it.
    assert long < 10 * (short + 0.05)


def cpu_seconds(page):
    start = time.process_time()
    read(page)
    return time.process_time() - start


@pytest.mark.slow
def test_page_with_too_many_entries_is_damaged():
    with pytest.raises(fx.DamagedPage, match="more than 200000 entries"):
        fx.parse("KGS/USD = 1 1%\n" * 600_000)


def test_numbered_lines_are_a_ticker():
    lines = ["1. KGS/USD = 0.01144", "2. KZT/USD = 0.00191", "3. TJS/USD = 0.10840", "4) UZS/USD = 0.00008"]
    assert [tick.rate_text for tick in fx.parse("\n".join(lines)).ticks] == ["0.01144", "0.00191", "0.10840", "0.00008"]


@pytest.mark.parametrize("copies", [1, 3])
def test_percentage_behind_a_word_is_damage(copies):
    lines = ["KGS/USD = 0.01144 som 0%", "KZT/USD = 0.00191 0%", "TJS/USD = 0.10840 0%", "UZS/USD = 0.00008 0%"]
    with pytest.raises(fx.DamagedPage, match="KGS/USD has a percentage"):
        fx.parse("\n".join([*lines, "TMT/USD = 0.28571 0%"] * copies))


def test_entry_apart_from_a_single_copy_is_damage():
    lines = ["KGS/USD = 0.01144 som", "KZT/USD = 0.00191 0%", "TJS/USD = 0.10840 0%", "UZS/USD = 0.00008 0%"]
    with pytest.raises(fx.DamagedPage, match="KGS/USD stands apart"):
        fx.parse("\n".join([*lines, "TMT/USD = 0.28571 0%"]))


def test_label_above_a_single_copy_does_not_excuse_its_cut_last_entry():
    lines = ["Markets: KGS/USD = 0.01144 0%", "KZT/USD = 0.00191 0%", "TJS/USD = 0.10840 0%", "UZS/USD = 0.00008 0%"]
    with pytest.raises(fx.DamagedPage, match="KGS/USD is printed as"):
        fx.parse("\n".join([*lines, "KGS/USD = 0.01"]))


@pytest.mark.parametrize("behind", ["\u2030", "\uff05"])
def test_percentage_with_another_sign_is_damage(behind):
    lines = ["KGS/USD = 0.01144 0%", "KZT/USD = 0.00191 0%", f"TJS/USD = 0.10840 0.37{behind}", "UZS/USD = 0.00008 0%"]
    with pytest.raises(fx.DamagedPage, match="TJS/USD"):
        fx.parse("\n".join(lines))


@pytest.mark.parametrize("figures", ["0.10840 0.10850", "0.10840 0.37% 0.40%", "0.10840 0.10850 0.37%"])
def test_number_beyond_rate_and_percentage_is_damage(figures):
    lines = ["KGS/USD = 0.01144 0%", "KZT/USD = 0.00191 0%", f"TJS/USD = {figures}", "UZS/USD = 0.00008 0%"]
    with pytest.raises(fx.DamagedPage, match="TJS/USD"):
        fx.parse("\n".join(lines))


def test_prices_of_a_sentence_are_no_ticker_however_many():
    with pytest.raises(fx.NoTicker):
        fx.parse("<p>We expect KGS/USD = 0.02, KZT/USD = 0.003, TJS/USD = 0.1, UZS/USD = 0.0001 by then.</p>")


def test_comment_between_the_digits_of_a_number_is_ignored():
    page = (
        "<ul>" + "".join(f"<li>{base}/USD = 0.01<!-- -->144 0%</li>" for base in ("KGS", "KZT", "TJS", "UZS")) + "</ul>"
    )
    assert [tick.rate_text for tick in fx.parse(page).ticks] == ["0.01144"] * 4


@pytest.mark.parametrize("end", ["\n  \u2022", "\n  \u2022 ", " | ", "\n-"])
def test_single_copy_that_ends_with_a_bullet_is_damaged(end):
    with pytest.raises(fx.DamagedPage, match="ends with a bullet"):
        fx.parse(block(TICKS[:4], 1) + end)


def test_single_copy_that_ends_in_spaces_behind_a_rate_is_damaged():
    with pytest.raises(fx.DamagedPage, match="may be cut short"):
        fx.parse(block(TICKS[:4], 1) + "\nTMT/USD = 0.28571 ")
