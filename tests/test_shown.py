"""What a browser shows of a page: hidden elements, and figures that markup touches."""

import time

import pytest
from builders import PRINTED_TICKS as TICKS
from builders import cases

import fxticker as fx
from fxticker.model.records import Snapshot
from fxticker.sources.html import page_text
from fxticker.sources.timesca.excerpt import excerpt

CASES = cases("shown")
WORD = "figures"
ITEMS = "".join(f"<li>{tick.pair} = {tick.rate_text} {tick.change_text}</li>" for tick in TICKS)
ON_ONE_LINE = ITEMS.replace("li>", "b>").replace("</b>", "</b> ")
BLOCK = f"<ul>{ITEMS}</ul>" * 2
FAR = '<p class="x">Filler of a test page, <a href="/some/where/">nothing</a> more&#8230; than that.</p>\n' * 30


def page_of(markup, content):
    return f"<!doctype html><html><body>{markup.replace('{}', content)}</body></html>"


def answer(page):
    try:
        return fx.parse(page)
    except fx.ParseError as error:
        return type(error), str(error)


@pytest.mark.parametrize("markup", CASES["not_shown"])
def test_hidden_text_is_left_out(markup):
    assert WORD not in page_text(page_of(markup, WORD))


@pytest.mark.parametrize("markup", [*CASES["shown"], *CASES["unsure"]])
def test_shown_text_is_kept(markup):
    assert WORD in page_text(page_of(markup, WORD))


@pytest.mark.parametrize("markup", CASES["not_shown"])
def test_hidden_ticker_is_no_ticker(markup):
    with pytest.raises(fx.NoTicker):
        fx.parse(page_of(markup, ON_ONE_LINE))


@pytest.mark.parametrize("markup", CASES["shown"])
def test_shown_ticker_is_read(markup):
    content = (
        ITEMS if "<li" not in markup and "<p" not in markup else ITEMS.replace("li>", "b>").replace("</b>", "</b> ")
    )

    assert fx.parse(page_of(markup, content)) == Snapshot(TICKS, None, 1)


@pytest.mark.parametrize("markup", CASES["unsure"])
def test_ticker_that_may_be_hidden_is_damaged(markup):
    with pytest.raises(fx.DamagedPage):
        fx.parse(page_of(markup, ON_ONE_LINE))


@pytest.mark.parametrize("markup", CASES["not_shown"])
@pytest.mark.parametrize(
    "place", ["{hidden}{block}", "{block}{hidden}", "{hidden}{far}{block}", "{block}{far}{hidden}"]
)
def test_hidden_copy_is_not_held_against_the_shown_ones(markup, place):
    hidden = markup.replace("{}", "KGS/USD = 0.5 5%, XXX/USD = 0 0%")
    page = page_of(place.format(hidden=hidden, far=FAR, block=BLOCK), "")

    assert fx.parse(page.encode()) == fx.parse(page) == Snapshot(TICKS, None, 2)


@pytest.mark.parametrize("markup", CASES["shown"])
@pytest.mark.parametrize("far", ["", FAR], ids=["near", "far"])
def test_shown_copy_that_disagrees_is_damage(markup, far):
    page = page_of(f"{BLOCK}{far}{markup.replace('{}', 'KGS/USD = 0.5 5%')}", "")

    assert answer(page.encode()) == answer(page)
    assert answer(page)[0] is fx.DamagedPage


@pytest.mark.parametrize("rate", CASES["touched"])
@pytest.mark.parametrize("change", [" 0.37%", ""], ids=["change", "no change"])
def test_figure_that_markup_or_a_note_touches_is_damage(rate, change):
    page = page_of(BLOCK.replace("0.10840 0.37%", f"{rate}{change}"), "")

    with pytest.raises(fx.DamagedPage, match="TJS/USD"):
        fx.parse(page)
    assert answer(page.encode()) == answer(page)


@pytest.mark.parametrize("mark", ["<sup>1</sup>", "<sup>1,2</sup>", "<sup>[1]</sup>", "*", " (1)", "\u00b9", "\u2460"])
@pytest.mark.parametrize("entry", ["TJS{}/USD = ", "TJS/USD{} = "])
@pytest.mark.parametrize("change", [" 0.37%", ""], ids=["change", "no change"])
def test_entry_with_a_note_at_its_pair_is_not_lost(mark, entry, change):
    page = page_of(BLOCK.replace("TJS/USD = 0.10840 0.37%", f"{entry.format(mark)}0.10840{change}"), "")

    with pytest.raises(fx.DamagedPage, match="TJS/USD: a note"):
        fx.parse(page)
    assert answer(page.encode()) == answer(page)
    far = page_of(BLOCK + FAR + f"<p>{entry.format(mark)}0.10840{change}</p>" + FAR, "")
    assert answer(far.encode()) == answer(far)


def test_raised_digit_before_the_last_entry_is_no_word():
    page = page_of(f"<ul>{ITEMS}</ul>".replace("TMT/USD", "&sup1;TMT/USD"), "")

    with pytest.raises(fx.DamagedPage, match="UZS/USD"):
        fx.parse(page)


@pytest.mark.parametrize(
    "rate",
    [
        "0.285[\u2026]",
        "0.285(...)",
        "0.285&nbsp;&hellip;",
        "0.285. . .",
        "0.285\ufe19",
        "0.285\u2024\u2024",
        "0.285\u00b7\u00b7\u00b7",
    ],
)
def test_rate_with_an_ellipsis_of_another_form_is_damage(rate):
    items = "".join(f"<li>{tick.pair} = {tick.rate_text}</li>" for tick in TICKS)

    with pytest.raises(fx.DamagedPage, match="ellipsis"):
        fx.parse(page_of(f"<ul>{items}</ul>" * 2, "").replace("0.28571", rate))


@pytest.mark.parametrize("between", ["<div>som</div>", " <select><option>x</option></select> ", "<p>x</p>0 "])
@pytest.mark.parametrize("copies", [1, 3])
def test_percentage_on_a_line_of_its_own_is_not_lost(between, copies):
    page = page_of(f"<ul>{ITEMS}</ul>".replace("0.10840 ", f"0.10840{between}") * copies, "")

    with pytest.raises(fx.DamagedPage, match="TJS/USD"):
        fx.parse(page)
    assert answer(page.encode()) == answer(page)


def test_number_with_a_colon_before_a_percent_sign_is_no_time():
    with pytest.raises(fx.DamagedPage, match="TJS/USD"):
        fx.parse(page_of(BLOCK.replace("0.37%", "10:25%"), ""))


@pytest.mark.parametrize(
    "change", ["0.37<sup>1</sup>%", "0.3<span hidden>9</span>7%", "0.37%<sup>1</sup>", "0.37%\u00b9"]
)
def test_percentage_that_markup_or_a_note_touches_is_damage(change):
    with pytest.raises(fx.DamagedPage, match="TJS/USD"):
        fx.parse(page_of(BLOCK.replace("0.37%", change), ""))


@pytest.mark.parametrize("rate", CASES["whole"])
def test_figure_that_is_shown_as_one_is_read(rate):
    page = page_of(BLOCK.replace("0.10840", rate), "")

    assert fx.parse(page.encode()) == fx.parse(page) == Snapshot(TICKS, None, 2)


def test_page_with_hidden_elements_elsewhere_is_read_from_an_excerpt():
    hidden = "<div hidden><p>Menu</p></div><img style='display:none'><span style='display: none'>x</span>"
    page = page_of(f"{FAR}{hidden}{FAR}{BLOCK}{FAR}<template>x</template>{FAR}", "").encode()

    assert excerpt(page, {}) is not None
    assert fx.parse(page) == Snapshot(TICKS, None, 2)


@pytest.mark.parametrize(
    "opening", ["<div hidden>", "<div\nSTYLE='display:none'>", "<dialog>", "<details>", "<template>"]
)
def test_far_ancestor_hides_the_ticker(opening):
    page = page_of(f"{opening}{FAR}<div>{FAR}{BLOCK}{FAR}</div>{FAR}", "").encode()

    with pytest.raises(fx.NoTicker):
        fx.parse(page)


@pytest.mark.parametrize("tag", ["<a h<p hidden>x<div>", "<a<p hidden>x<div>", '<a x=">" <p hidden>x<div>'])
def test_hiding_tag_inside_of_another_tag_is_read_as_the_whole_page_has_it(tag):
    page = page_of(f"{FAR}{tag}{FAR}{BLOCK}{FAR}", "")

    assert answer(page.encode()) == answer(page)


HOSTILE = (
    *("<p hidden>", "<b hidden>x</i>", "<div hidden></div>", "<table hidden>", "<template>", "<details><summary>"),
    *(
        "<span style='display:none'>5",
        "<p style='",
        "<p style='display:none;display:none;",
        "hidden ",
        " style=",
        "<x-t>",
    ),
    *(
        "<b>5",
        "<sup>1</sup>5",
        "<svg hidden/>",
        "<slot>",
        "<x-t><template shadowrootmode=open>",
        "<br hidden>",
        "\x02",
    ),
)


@pytest.mark.slow
@pytest.mark.parametrize("unit", HOSTILE)
@pytest.mark.parametrize("opening", ["", "<div hidden>", "<div style='visibility:hidden'>"])
def test_work_grows_with_the_length_of_a_hostile_page(unit, opening):
    short, long = (
        cpu_seconds(f"<html>{BLOCK}{opening}{unit * (size // len(unit))}") for size in (1_000_000, 4_000_000)
    )

    assert long < 10 * (short + 0.05)


def cpu_seconds(page):
    start = time.process_time()
    answer(page.encode())
    return time.process_time() - start
