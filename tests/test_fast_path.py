"""The fast path to a page's ticker: the same answers as the whole page, from an excerpt."""

import time
from datetime import date

import pytest
from builders import PRINTED_TICKS as TICKS
from builders import TICKER, cases
from hypothesis import given
from hypothesis import strategies as st
from laws import law

import fxticker as fx
from fxticker.model.records import Snapshot
from fxticker.simulation.captures import read_captures
from fxticker.simulation.site import render_html
from fxticker.sources.html import decode
from fxticker.sources.timesca import prefilter
from fxticker.sources.timesca.excerpt import excerpt
from fxticker.sources.visibility import HIDING_NAMES

CASES = cases("fast_path")

DAY = date(2025, 11, 14)
PARAGRAPH = '<p class="x">Filler of a test page, <a href="/some/where/">nothing</a> more&#8230; than that.</p>\n'
FAR = PARAGRAPH * 60
PAGE = render_html(TICKS, DAY)
SINGLE = render_html(TICKS, DAY, copies=1)
BLOCK = PAGE[PAGE.index("<ul>") : PAGE.index("<main>")]


def page_with(*, above="", below="", block=BLOCK):
    return f"<!doctype html><html><body>{FAR}{above}{FAR}{block}{FAR}{below}{FAR}</body></html>".encode()


def answer(page, headers=None):
    try:
        return fx.parse(page, headers)
    except fx.ParseError as error:
        return type(error), str(error)


def whole_answer(page, headers=None):
    """The answer of the page as text, which is always read as a whole."""
    return answer(decode(page, headers or {}))


# --- an ordinary page -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("paragraphs", [(0, 1000), (300, 700), (1000, 0)])
def test_ordinary_page_is_read_from_a_small_excerpt(paragraphs):
    above, below = (PARAGRAPH * count for count in paragraphs)
    page = f"<!doctype html><html><body>{above}{BLOCK}{below}</body></html>".encode()

    piece = excerpt(page, {})

    assert len(page) > 100_000
    assert "TMT/USD = 0.28571 0%" in piece.text
    assert len(piece.text) < 3_000
    assert fx.parse(page) == Snapshot(TICKS, DAY, 8)


def test_zones_far_apart_make_one_excerpt_of_whole_lines():
    page = page_with(
        above="<h2>At the bazaar KGS/USD = 5 is filler.</h2>", below="<script>var KGS = 'KGS/USD = 5';</script>"
    )

    lines = excerpt(page, {}).text.split("\n")

    assert "At the bazaar KGS/USD = 5 is filler." in lines
    assert "TMT/USD = 0.28571 0%" in lines
    assert len(lines) < 120
    assert fx.parse(page) == Snapshot(TICKS, DAY, 8)


def test_marquee_is_read_once_and_its_copies_are_counted():
    piece = excerpt(page_with(), {})

    assert piece.left_out == 6
    assert piece.text[piece.unit.start : piece.unit.stop].count("KZT/USD = 0.00191 -0%") == 1
    assert piece.text.count("KZT/USD = 0.00191 -0%") == 2


@pytest.mark.parametrize("copies", [1, 2, 3, 4, 8, 40])
def test_copies_are_counted(copies):
    html = render_html(TICKS, DAY, copies)
    page = page_with(block=html[html.index("<ul>") : html.index("<main>")])

    assert fx.parse(page) == Snapshot(TICKS, DAY, copies)


@pytest.mark.parametrize("others", ["KGS/USD = 0.01144 0%", "KGS/USD = 0.01144 0%</p><p>KGS/USD = 0.01144 0%"])
def test_copy_that_repeats_without_a_pair_is_damaged(others):
    block = "<ul>" + "".join(f"<li>{others}</li><li>KZT/USD = 0.00191 -0%</li>" for _ in range(6)) + "</ul>"
    rest = "<p>TJS/USD = 0.10840 0.37%</p><p>UZS/USD = 0.00008 0%</p>" * 2

    page = page_with(block=block + rest)

    assert answer(page) == whole_answer(page)
    assert answer(page)[0] is fx.DamagedPage


@pytest.mark.parametrize(("first", "others"), [("<br>", "<br "), ("<b   >", "<!-- >")], ids=["tag", "comment"])
def test_marquee_with_hidden_copies_is_read_as_the_whole_page(first, others):
    rest = "".join(f"<p>{tick.pair} = {tick.rate_text} {tick.change_text}</p>" for tick in TICKS[1:])
    copy = f" = 0.01144 0%</p>{rest}<p>KGS/USD{others}"
    page = page_with(block=f"<p>KGS/USD{first}{copy * 8}> --><p>Filler</p>")

    assert answer(page) == whole_answer(page)
    assert answer(page) != Snapshot(TICKS, None, 8)


@pytest.mark.parametrize("tag", ["b>", "sup>1</sup>", "script>", "!-- x -->", "p hidden>", "i>9</i>", "p>"])
def test_marquee_whose_copies_are_parted_within_a_tag_is_read_as_the_whole_page(tag):
    rest = "".join(f"<br>{tick.pair} = {tick.rate_text} {tick.change_text}" for tick in TICKS[1:])
    for above in ("<p>", "<p>x</p>", f"{PARAGRAPH}<p>"):
        page = page_with(block=f"{above}{f'{tag}KGS/USD = 0.01144 0%{rest}<' * 6}br>Filler")

        assert answer(page) == whole_answer(page)


@pytest.mark.parametrize(
    ("above", "left_out"),
    [("<ul>", 6), ("<div>\n<ul>", 6), ("<div><ul>", 6), (f"<p>{'No line ends here. ' * 20}<b></b>", 5)],
)
def test_marquee_is_left_out_wherever_the_line_above_it_ends(above, left_out):
    assert excerpt(page_with(block=BLOCK.replace("<ul>", above, 1)), {}).left_out == left_out


def test_date_that_is_spread_over_much_of_the_source_is_read():
    page = page_with(block=BLOCK.replace("November ", f"November{'<p></p>' * 100}"))

    assert fx.parse(page) == Snapshot(TICKS, DAY, 8)


def test_every_capture_reads_exactly_from_its_excerpt():
    captures = read_captures()
    pages = [render_html(each.ticks, each.page_date).replace("<main>", f"<main>{FAR}").encode() for each in captures]

    assert len(pages) == 214
    assert all(excerpt(page, {}) for page in pages)
    assert [fx.parse(page) for page in pages] == [Snapshot(each.ticks, each.page_date, 8) for each in captures]
    assert [fx.parse(page) for page in pages] == [fx.parse(page.decode()) for page in pages]


# --- what stands elsewhere on the page --------------------------------------------------------------------------------

OTHER_MARKUPS = CASES["other_markups"]


@pytest.mark.parametrize("other", OTHER_MARKUPS)
@pytest.mark.parametrize("place", ["above", "below"])
def test_copy_elsewhere_that_disagrees_is_damage_in_whatever_markup(other, place):
    with pytest.raises(fx.DamagedPage, match="KGS/USD is printed as"):
        fx.parse(page_with(**{place: other}))


@pytest.mark.parametrize("place", ["above", "below"])
def test_pair_elsewhere_that_a_single_copy_lacks_is_damage(place):
    block = SINGLE[SINGLE.index("<ul>") : SINGLE.index("<main>")]

    with pytest.raises(fx.DamagedPage, match="AFN/USD stands apart"):
        fx.parse(page_with(block=block, **{place: "<p>AFN/USD = 0.01510</p>"}))


@pytest.mark.parametrize(
    "entry",
    [
        f"<p>KGS</p>{'<p></p>' * 60}<p>/USD = 5 5%</p>",
        f"<p>KGS/USD = {'<b></b>' * 100}5 5%</p>",
        f"<p>KGS/USD = 5</p>{'<p> </p>' * 100}<p>5%</p>",
        f"<p>AM/PM = a word that stands before</p><p>KGS/USD = 5</p>{'<p> </p>' * 100}<p>5%</p>",
        f"<p>Three words here AM/PM = that stand before</p>{'<i></i>' * 200}KGS/USD = 5 5%</p>",
    ],
    ids=["first code", "figures", "percentage", "percentage behind another slash", "line without end"],
)
def test_entry_that_is_spread_over_much_of_the_source_is_seen(entry):
    with pytest.raises(fx.DamagedPage, match="KGS/USD is printed as"):
        fx.parse(page_with(below=entry))


UNSEEN = CASES["unseen"]


@pytest.mark.parametrize(("opening", "closing"), UNSEEN)
@pytest.mark.parametrize("last", ["", "<p>KGS/USD</b> = <span>0.01144</span> <span class=change>0%</span></li>"])
def test_invisible_ticker_is_no_ticker(opening, closing, last):
    block = PAGE[PAGE.index("<ul>") : PAGE.rindex("</ul>")].replace('"', "")
    page = page_with(block=f"{opening}<p>x</p>{FAR.replace(chr(34), '')}{block}{last}<p>x</p>{closing}")

    with pytest.raises(fx.NoTicker):
        fx.parse(page)


@pytest.mark.parametrize(("opening", "closing"), UNSEEN)
@pytest.mark.parametrize("place", ["above", "below"])
def test_invisible_copy_is_ignored(opening, closing, place):
    unseen = f"{opening}<p>x</p>{FAR.replace(chr(34), '')}<p>KGS/USD = 5 5%</p>{closing}"

    assert fx.parse(page_with(**{place: unseen})) == Snapshot(TICKS, DAY, 8)


@pytest.mark.parametrize("cut", ["<!-- ", "<script>", "<div title='", '<div title="', "<title>"])
def test_unclosed_markup_above_hides_the_ticker(cut):
    page = page_with(above=cut).replace(b'"' if '"' in cut else b"'", b"")

    assert answer(page) == whole_answer(page)


@pytest.mark.parametrize("other", ["KGS/USD = 5 5%", "KGS&#47;USD = 5 5%", "<!-- <p> -->KGS/USD = 5 5%"])
def test_copy_at_the_edge_of_a_block_is_found(other):
    page = page_with().decode()
    edge = prefilter._BLOCK_BYTES
    pages = [f"{page}{'x' * (edge - len(page) - before)}<p>{other}</p>{FAR}".encode() for before in range(28)]

    assert [answer(each) for each in pages] == [whole_answer(each) for each in pages]
    assert {answer(each)[0] for each in pages} == {fx.DamagedPage}


@pytest.mark.parametrize("mark", ["<!-- ", "<scRIPT>", "<Style>", "<title>"])
def test_hiding_markup_at_the_edge_of_a_block_is_found(mark):
    page = page_with(block="").decode()
    edge = prefilter._BLOCK_BYTES
    pages = [f"{page}{'x' * (edge - len(page) - before)}{mark}{FAR}{BLOCK}".encode() for before in range(12)]

    assert [answer(each) for each in pages] == [whole_answer(each) for each in pages]
    assert {answer(each)[0] for each in pages} == {fx.NoTicker}


@pytest.mark.parametrize(
    "behind",
    [
        f"<!-- {'x > y ' * 9}-->",
        f"<script>{'if (x > y) z; ' * 9}</script>",
        f'<a title="{"x > y " * 9}">x</a>',
        f"<a title='{'x > y ' * 9}'>x</a>",
        f"<title>{'x > y ' * 9}</title>",
        "<p class=x" + '"' * 9 + ">",
        "<p>x =" + '"' + "</p>",
    ],
)
def test_zone_ends_in_text_behind_the_markup_that_its_end_falls_into(behind):
    for gap in range(0, 280, 20):
        page = page_with(block=f"{BLOCK}<p>{'.' * gap}</p>{behind}")

        assert excerpt(page, {}) is not None
        assert answer(page) == whole_answer(page) == Snapshot(TICKS, DAY, 8)


@pytest.mark.parametrize("name", sorted({*HIDING_NAMES, "Template", "VIDEO"}))
def test_zone_with_an_element_that_may_not_be_shown_is_no_excerpt(name):
    tag = f"<{name}><p>KGS/USD = 5 5%</p></{name}>"
    around, above, in_comment = (page_with(block=BLOCK + tag), page_with(above=tag), page_with(above=f"<!--{tag}-->"))

    assert excerpt(around, {}) is None
    assert excerpt(above, {}) is None
    assert excerpt(in_comment, {}) is not None
    assert all(answer(page) == whole_answer(page) for page in (around, above, in_comment))


def test_second_code_in_small_letters_far_from_the_ticker_is_passed_over():
    page = page_with(below="<p>KGS/usd = 5 5%</p>")

    assert fx.parse(page) == Snapshot(TICKS, DAY, 8)
    with pytest.raises(fx.DamagedPage, match="KGS/usd is no pair"):
        fx.parse(page.decode())


# --- pages that are read as a whole -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "headers"),
    [
        (b"\xff\xfe" + page_with().decode().encode("utf-16-le"), {}),
        (b"\xfe\xff" + page_with().decode().encode("utf-16-be"), {}),
        (page_with(), {"content-type": "text/html; charset=gb18030"}),
        (b"<meta charset=gb18030>" + page_with(), {}),
        (("\n".join(f"{pair} = {rate} {change}" for pair, rate, change in TICKER) + "\nFiller." * 999).encode(), {}),
        (page_with(below="<p>and / <b>or</b></p>" * 1000), {}),
        (page_with(above="<!-- x -->" * 10_000), {}),
    ],
    ids=["utf-16-le", "utf-16-be", "gb18030", "gb18030 by meta", "plain text", "many slashes", "many comments"],
)
def test_unusual_page_has_no_excerpt_and_is_read_as_a_whole(page, headers):
    assert excerpt(page, headers) is None
    assert fx.parse(page, headers).ticks == TICKS


@pytest.mark.parametrize("page", [b"", b"/", b"<", b"<p>/", page_with(block=""), b"KGS/USD = 5", b"<p>KGS/USD = 5"])
def test_page_without_ticker_is_named(page):
    with pytest.raises((fx.NoTicker, fx.DamagedPage)):
        fx.parse(page)


@pytest.mark.parametrize("charset", ["utf-8", "windows-1251", "koi8-r", "ibm866", "iso-8859-1", "us-ascii"])
@pytest.mark.parametrize("declared", ["header", "meta"])
def test_declared_charset_is_used(charset, declared):
    codec = {"iso-8859-1": "cp1252", "us-ascii": "cp1252"}.get(charset, charset)
    html = page_with().decode().replace(" = ", " =\xa0").replace("&#8230;", "\xa0" * 40)
    meta = f"<meta charset={charset}>" if declared == "meta" else ""
    headers = {"content-type": f"text/html; charset={charset}"} if declared == "header" else {}
    page = f"{meta}{html}".encode(codec)

    assert excerpt(page, headers) is not None
    assert fx.parse(page, headers) == Snapshot(TICKS, DAY, 8)


def test_invalid_bytes_outside_the_numbers_are_ignored():
    assert fx.parse(page_with().replace(b"nothing", b"\xff\xc3")) == Snapshot(TICKS, DAY, 8)


# --- cuts, and pages of any kind --------------------------------------------------------------------------------------


@pytest.mark.parametrize("copies", [1, 3])
def test_page_cut_anywhere_is_answered_as_a_whole(copies):
    html = render_html(TICKS, DAY, copies).replace("<ul>", f"{PARAGRAPH * 9}<ul>", 1)
    page = html.replace("<main>", f"<main>{PARAGRAPH * 9}").encode()
    cuts = [page[:end] for end in range(page.index(b"<ul>"), len(page))]

    assert [answer(cut) for cut in cuts] == [whole_answer(cut) for cut in cuts]


@pytest.mark.parametrize("gap", range(0, 420, 7))
def test_page_that_ends_soon_behind_the_ticker_is_answered_as_a_whole(gap):
    page = page_with().partition(b"</ul>\n<div")[0] + PARAGRAPH.encode() * 2 + b"<i>x</i> " * gap
    ends = [page, page + b"<p>KGS/USD = 0.0", page + b"<li>KGS", page + b"KGS/USD&", page + b"<p>\xe2\x80\xa2"]

    assert [answer(end) for end in ends] == [whole_answer(end) for end in ends]


PIECES = (
    *OTHER_MARKUPS,
    *(opening for pair in UNSEEN for opening in pair),
    *("<p>KGS/USD = 0.01144 0%</p>", "<p>KGS/USD = 5</p>", "KGS/USD = 5 was the price.", "<p>AFN/USD = 0.5 1%</p>"),
    *(
        "KGS",
        "/",
        "/USD",
        " = ",
        ":",
        "5",
        "0.5",
        "%",
        "&",
        "&#4",
        "7;",
        "&sol",
        ";",
        "=",
        '="',
        "'",
        '"',
        "\n",
        "\xa0",
    ),
    *("<", ">", "</", "<a", "<b>", "</b>", "<p>", "</p>", "<br/>", "<img alt='KGS/USD = 5 5%'>", "&#10;", "\u2022"),
    *("14 November 2025", "<p>12 May 2025</p>", "and/or", "https://example.com/A/", "<!doctype html>", "\ufffd"),
    *(BLOCK, SINGLE, "<ul>", "</ul>", "</li>", "-->", "--", "<!-->", "</script>", "</title>"),
    *(PARAGRAPH, PARAGRAPH * 4, FAR, FAR),
)
SHOWN = cases("shown")
KINDS = (
    *(part for markup in (*SHOWN["not_shown"], *SHOWN["shown"], *SHOWN["unsure"]) for part in markup.split("{}")),
    *(markup.replace("{}", "KGS/USD = 5 5%") for key in ("not_shown", "shown", "unsure") for markup in SHOWN[key]),
    *(f"<p>KGS/USD = {rate} 5%</p>" for rate in (*SHOWN["touched"], *SHOWN["whole"])),
    *("<sup>1</sup>", "<small>", "</small>", "<span hidden>9</span>", "<b>", "</b>", "<x-y>", "<br hidden>", "<del>"),
    *("\u2026", "...", "\u00b9", "&nbsp;194", "'194", "<br>71", " / 0.5", "/", " 5", "\u202f5", "\u2013 6", "&frac12;"),
    *("Saturday, 25 October 2025", "<p>October 25, 2025</p>", "25.10.2025", "10/11/2025", "&shy;", "&zwj;", "\u202e"),
    *("<div hidden>", "</div>", "<p hidden", "<div style='display:none'", '<a title="x > y" hidden>', "<b hidden/>"),
    *(
        "<slot>",
        "<table hidden>",
        "<tr>",
        "<li hidden>",
        "<option>",
        "<svg hidden/>",
        "<P STYLE = display:NONE>",
        "\x02",
    ),
    *("hidden ", " style=display:none ", "popover=", "<!-- <div hidden> -->", "<script>'<div hidden>'</script>"),
)
CHARSETS = st.sampled_from(["utf-8", "utf-8", "windows-1251", "koi8-r", "gb18030"])


@st.composite
def pages(draw):
    """A page with a ticker, with anything put into it, perhaps cut."""
    pieces = st.lists(st.sampled_from(PIECES) | st.sampled_from(KINDS), max_size=3).map("".join)
    block = draw(st.sampled_from([BLOCK, BLOCK, SINGLE[SINGLE.index("<ul>") :], ""]))
    at = draw(st.integers(0, len(block)))
    parts = [FAR, draw(pieces), FAR[: draw(st.integers(0, 900))], block[:at], draw(pieces), block[at:]]
    parts += [FAR[: draw(st.integers(0, 900))], draw(pieces), FAR, draw(pieces)]
    charset = draw(CHARSETS)
    page = "".join(parts).encode(charset, errors="ignore")
    cut = draw(st.none() | st.integers(len(FAR), len(page)))
    headers = draw(st.sampled_from([{}, {"content-type": f"text/html; charset={charset}"}]))
    return page[:cut], headers


@given(pages())
@law(400)
def test_page_is_answered_as_a_whole_would_be(drawn):
    page, headers = drawn

    assert answer(page, headers) == whole_answer(page, headers)


@given(
    st.lists(
        st.tuples(st.integers(0, 2**30), st.sampled_from(PIECES) | st.sampled_from(KINDS), st.integers(0, 30)),
        max_size=6,
    )
)
@law(200)
def test_damaged_page_is_answered_as_a_whole_would_be(damages):
    html = f"<html>{FAR}{BLOCK}{FAR}"
    for place, piece, lost in damages:
        # Half of the damage is done to the ticker itself.
        at = len(FAR) + place % len(BLOCK) if place % 2 else place % len(html)
        html = html[:at] + piece + html[at + lost :]
    page = html.encode()

    assert answer(page) == whole_answer(page)


# --- hostile pages ----------------------------------------------------------------------------------------------------

HOSTILE = [
    *("A/A=<b>", "A/", "/ ", "/A <", ">/<", "&#47;", "&#0", "&sol", "&", "<p>", ">", "<", "a"),
    *(
        "<!--",
        "<!-- -->",
        "<script>",
        "<script></script>",
        "<title",
        '="',
        "='>",
        "<p title='",
        "<p>KGS/USD = 1 1%</p>",
    ),
    *(BLOCK, f"<script>{BLOCK}", f'<p title="{"x" * 300}>/A<', f"{PARAGRAPH * 3}<p>KGS/USD", "<b>KGS/USD = 1 1%</b>"),
]


@pytest.mark.parametrize("unit", HOSTILE)
@pytest.mark.parametrize("around", ["{block}{hostile}", "{hostile}{block}", "{hostile}"])
def test_hostile_page_is_answered_as_a_whole(unit, around):
    page = f"<html>{around.format(block=BLOCK, hostile=unit * (40_000 // len(unit)))}".encode()

    assert answer(page) == whole_answer(page)


@pytest.mark.slow
@pytest.mark.parametrize("unit", HOSTILE)
@pytest.mark.parametrize("around", ["{block}{hostile}", "{hostile}{block}"])
def test_work_grows_with_the_length_of_a_hostile_page(unit, around):
    short, long = (
        cpu_seconds(f"<html>{around.format(block=BLOCK, hostile=unit * (size // len(unit)))}".encode())
        for size in (1_000_000, 4_000_000)
    )

    # Four times the page: linear work is 4 times as much, quadratic 16 times. The addend keeps tiny times out of it.
    assert long < 10 * (short + 0.05)


def cpu_seconds(page):
    start = time.process_time()
    excerpt(page, {})
    return time.process_time() - start


# --- prices that need no zone -----------------------------------------------------------------------------------------

FAR = PARAGRAPH * 100


def price(number, behind=" say"):
    return f"<p>A price, {'KTU'[number % 3]}GS/USD = {number},5{behind} is filler.</p>{FAR}"


@pytest.mark.parametrize(
    ("below", "is_passed_over"),
    [
        (price(1), True),
        (price(1) + price(2) + price(3), True),
        ("<p>KGS/USD: so many words</p>", True),
        ("<!-- KGS/USD = 5 say -->", True),
        (price(1) + price(2) + price(3) + price(4) + price(5), True),  # with words between them they are no ticker
        (price(1, " 0.5%"), False),
        (price(1, " <b>0.5%</b>"), False),
        (price(1, "&nbsp;say"), False),
        (price(1) + "<p>KGS&#47;USD = 5 say</p>", False),
        ("<p>KZT/USD = 1 KGS/USD = 2 TJS/USD = 3 UZS/USD = 4 KZT/USD = 5 say</p>", False),
        ("<p>KZT/USD = 1 KG\N{SOFT HYPHEN}S/USD = 2 say so</p>", False),
        ("<p>KZT/USD = 1 KGS\x1c/USD = 2 say so</p>", False),
        ("<p>KZT/USD = 1 KGS<b>/USD</b> = 2 say so</p>", False),
    ],
)
def test_prices_in_sentences_behind_a_marquee_need_no_zone(below, is_passed_over):
    page = page_with(below=FAR + below)
    assert excerpt(page, {}).prices_left_out is is_passed_over
    assert answer(page) == whole_answer(page)


def test_second_ticker_without_percentages_is_not_left_out():
    line = "KZT/USD = 1 KGS/USD = 2 TJS/USD = 3 UZS/USD = 4 "
    for end in (f"{line}{line}say</p>", f"{line}KZ"):
        page = page_with()[: -len("</body></html>")] + f"<p>{end}".encode()
        assert isinstance(whole_answer(page), tuple)  # it is another ticker, and the page contradicts itself
        assert answer(page) == whole_answer(page)


@pytest.mark.parametrize("pair", ["EUR", "KGS"])
def test_price_beside_a_single_copy_is_read(pair):
    block = BLOCK[: BLOCK.index("</ul>") + len("</ul>")]
    page = page_with(block=block, below=f"{FAR}<p>{pair}/USD = 5 say</p>")
    assert answer(page) == whole_answer(page)
