"""Figures that may go on behind what is read of them: refused, in every place of the ticker."""

import pytest
from builders import TICKER, cases

import fxticker as fx

CASES = cases("figures_cut")
RATES = ("KGS/USD = 0.01144", "KZT/USD = 0.00191", "TJS/USD = 0.10840", "UZS/USD = 0.00008")


def lines_with(entry, place, copies):
    lines = list(RATES)
    lines[place] = entry
    return "\n".join(lines * copies)


@pytest.mark.parametrize("rate", CASES["cut_rates"])
@pytest.mark.parametrize("place", [0, 2, 3])
@pytest.mark.parametrize("copies", [1, 3])
@pytest.mark.parametrize("below", ["", "\n14 November 2025", "\nFiller."])
def test_rate_that_may_go_on_is_damage(rate, place, copies, below):
    with pytest.raises(fx.DamagedPage, match="AAA/USD"):
        fx.parse(lines_with(f"AAA/USD = {rate}", place, copies) + below)


@pytest.mark.parametrize("rate", CASES["cut_rates"])
def test_rate_that_may_go_on_is_damage_in_html(rate):
    items = "".join(f"<li>{line}</li>" for line in lines_with("AAA/USD = 5", 3, 2).split("\n"))
    page = f"<!doctype html><ul>{items}</ul><p>Filler.</p>".replace("= 5", f"= {rate}".replace("\n", "<br>"))

    with pytest.raises(fx.DamagedPage, match="AAA/USD"):
        fx.parse(page.encode())


@pytest.mark.parametrize("figures", CASES["cut_percentages"])
@pytest.mark.parametrize("pair", ["KGS/USD", "TJS/USD", "TMT/USD"])
@pytest.mark.parametrize("copies", [1, 3])
def test_entry_whose_figures_may_go_on_is_damage(figures, pair, copies):
    lines = [f"{name} = {figures}" if name == pair else f"{name} = {rate} {change}" for name, rate, change in TICKER]

    with pytest.raises(fx.DamagedPage, match=pair):
        fx.parse("\n".join(lines * copies))


@pytest.mark.parametrize("text", CASES["sound"])
@pytest.mark.parametrize("entries", [RATES, [f"{line} 0%" for line in RATES]], ids=["no changes", "changes"])
def test_sound_entries_stay_so_whatever_stands_below(text, entries):
    snapshot = fx.parse(text.format(a="\n".join(entries)))

    assert [tick.rate_text for tick in snapshot.ticks] == ["0.01144", "0.00191", "0.10840", "0.00008"]


def test_list_numbers_that_do_not_count_are_damage():
    with pytest.raises(fx.DamagedPage, match="KGS/USD"):
        fx.parse("\n".join([RATES[0], f"194. {RATES[1]}", *RATES[2:]]))
