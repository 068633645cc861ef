"""Charts of several sources and of pegs: which source a mark is of, what is explained, and what is counted."""

from datetime import UTC, date, datetime, timedelta

import matplotlib.dates as mdates
import pandas as pd
import pytest
from builders import NOON, tick
from click.testing import CliRunner
from drawn import outside, overlapping, polls_of, regular, ticks_of
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from rate_ticks import PEG, official

import fxticker as fx
from fxticker.cli import app

DAYS = [NOON + timedelta(days=number) for number in range(41)]
HOPS = ["0.28571", "0.28490", "0.28571", "0.28490"]


def _caption(figure):
    return figure.get_supxlabel().replace("\n", " ")


def _ticks(pair, texts, days, source="timesca"):
    return [tick(pair, text, None, day, source=source) for text, day in zip(texts, days, strict=True)]


def _walls(axis):
    """Vertical parts of all lines of steps."""
    lines = [line.get_ydata() for line in axis.lines if line.get_drawstyle() == "steps-post"]
    return sum(int((pd.Series(line).diff().abs() > 0).sum()) for line in lines)


def _marks(axis):
    """Marks of values, without those of hops."""
    return {line.get_marker() for line in axis.lines} - {"None", "D", "x"}


def test_lone_values_of_sources_that_share_an_ink_have_marks_of_their_own(store):
    store.append(_ticks("UZS/USD", ["0.00008"], DAYS[:1]))
    store.append([official("USD/UZS", "12194.21", bank, DAYS[day].date()) for day, bank in ((0, "cbr"), (20, "cbu"))])
    store.append([official("USD/UZS", "12190.21", "cbr", DAYS[40].date())])
    store.append(_ticks("UZS/USD", ["0.00008"], DAYS[40:]))
    figure = fx.plot_history(store)
    assert _marks(figure.axes[0]) == {"o", "s"}
    assert " Lines: cbr solid ●, cbu dotted ■. " in _caption(figure)
    assert _marks(fx.plot_path(store, per_usd=True).axes[0]) == {"s", "^"}  # that of the ticker is not drawn


def test_pieces_of_a_comparison_that_are_too_short_for_a_style_are_marked(store):
    store.append(_ticks("UZS/USD", ["0.00008"] * 3, [DAYS[0], DAYS[20], DAYS[40]]))
    store.append([official("USD/UZS", "12194.21", "cbr", DAYS[day].date()) for day in (0, 20, 40)])
    store.append([official("USD/UZS", "12190.21", "cbu", DAYS[20].date())])
    assert _marks(fx.plot_compare(store).axes[0]) == {"o", "s"}


def test_bands_of_a_path_are_opaque_below_all_its_lines():
    at = regular(300)
    frame = ticks_of({"pair": "UZS/USD", "observed_at": at.delete(range(100, 110)), "rate_text": "0.00008"})
    [panel] = fx.plot_path(frame).axes
    assert {each.get_alpha() for each in panel.collections} == {1}
    assert max(each.get_zorder() for each in panel.collections) < min(line.get_zorder() for line in panel.lines[1:])


def test_lines_of_one_currency_in_a_path_all_look_different(store):
    sources = ["timesca", "cbr", "fawazahmed0", "nbk", "nbt"]
    for number, source in enumerate(sources):
        store.append(_ticks("KZT/USD", [f"0.0019{number}", f"0.0020{number}"], DAYS[:2], source=source))
    [panel] = fx.plot_path(store, max_age="any").axes
    lines = [
        line for line in panel.lines if len(line.get_xdata()) > 1 and line.get_color() == panel.lines[1].get_color()
    ]
    looks = {(str(line.get_linestyle()), line.get_marker()) for line in lines}
    assert len(looks) >= len(sources)
    assert all(source in " ".join(text.get_text() for text in panel.texts) for source in sources)


def test_path_that_ends_at_its_base_says_so_and_what_its_digits_allow(store):
    store.append(_ticks("KZT/USD", ["0.00191", "0.00201"], DAYS[:2]))
    store.append(_ticks("UZS/USD", ["0.00008", "0.00008"], DAYS[:2]))
    figure = fx.plot_path(store, base=DAYS[1])
    assert figure.get_suptitle().startswith("Rates in percent of those at the base, which ends the chart")
    assert "UZS/USD, whose printed digits allow \u221212 to +14 %" in figure.axes[0].get_title(loc="left")


def test_path_with_its_base_in_between_counts_from_the_base(store):
    store.append(_ticks("KZT/USD", ["0.00181", "0.00191", "0.00191"], DAYS[:3]))
    store.append(_ticks("KGS/USD", ["0.01144", "0.01134", "0.01134"], DAYS[:3]))
    title = fx.plot_path(store, base=DAYS[1]).get_suptitle().replace("\n", " ")
    assert title.startswith("None of 2 printed rates changed from the base to the last value")


def test_title_tells_proven_moves_that_ended_before_the_chart(store):
    friday, sunday = datetime(2025, 11, 14, tzinfo=UTC), datetime(2025, 11, 16, tzinfo=UTC)
    for pair, source in (("KZT/USD", "nbk"), ("TJS/USD", "nbt"), ("KGS/USD", "nbkr")):
        store.append(_ticks(pair, ["0.01134", "0.01144"], [friday - timedelta(days=2), friday], source=source))
    store.append(_ticks("TMT/USD", ["0.28571", "0.28571"], [friday - timedelta(days=2), sunday]))
    for figure in (fx.plot_history(store), fx.plot_path(store, max_age="any")):
        assert "gained" in figure.get_suptitle()


def test_heatmap_tells_proven_changes_over_several_periods_where_it_has_no_others(store):
    store.append(_ticks("KZT/USD", ["0.00181", "0.00191"], [DAYS[0], DAYS[3]]))
    title = fx.plot_heatmap(store, freq="day").get_suptitle().replace("\n", " ")
    assert title.startswith("Largest proven change, over several days: the tenge gained")


def test_band_of_the_ticker_is_opaque_below_the_lines_of_banks():
    at = regular(300)
    frame = ticks_of({"pair": "UZS/USD", "observed_at": at.delete(range(100, 110)), "rate_text": "0.00008"})
    bank = ticks_of({"pair": "UZS/USD", "observed_at": at[::96], "rate_text": "0.000082"}).assign(source="cbu")
    [panel] = fx.plot_history(pd.concat([frame, bank], ignore_index=True)).axes
    places = [(each.get_alpha() == 1, each.get_zorder()) for each in panel.collections]
    assert {*places} == {(True, 0.9), (False, 1)}
    assert min(line.get_zorder() for line in panel.lines) == 2


def test_many_marks_do_not_hide_the_style_of_their_line(store):
    days = [NOON.date() + timedelta(days=number) for number in range(200)]
    store.append([official("USD/TJS", f"9.2{number:03d}", "cbr", day) for number, day in enumerate(days)])
    store.append([official("USD/TJS", f"9.3{number:03d}", "nbt", day) for number, day in enumerate(days)])
    store.append(_ticks("TJS/USD", ["0.10840"], DAYS[:1]))
    [panel] = fx.plot_history(store).axes
    marked = {line.get_marker(): len(line.get_xdata()) for line in panel.lines if line.get_linestyle() == "None"}
    assert marked["o"] in {1, 200}
    assert "s" not in marked


def test_bank_that_was_not_polled_hides_no_stretch_without_a_poll():
    outcomes = ["ok"] * 40 + ["timeout"] * 40 + ["ok"] * 40
    kept = regular(120).delete(range(40, 80))
    ticker = ticks_of({"pair": "KZT/USD", "observed_at": kept, "rate_text": "0.00191"})
    bank = ticks_of({"pair": "KZT/USD", "observed_at": kept[:1], "rate_text": "0.001911"}).assign(source="nbk")
    figure = fx.plot_history(pd.concat([ticker, bank], ignore_index=True), polls=polls_of(outcomes))
    assert " Shaded: no successful poll of any source of the panel, by cause. " in _caption(figure)


def test_path_draws_no_wall_at_a_peg_hop_and_explains_its_mark(store):
    store.append(_ticks("TMT/USD", HOPS, DAYS[:4]))
    [axis] = (figure := fx.plot_path(store)).axes
    assert _walls(axis) == 1  # the first time the lower level is news
    assert " Diamond: peg hop, back to a level that was shown before. " in _caption(figure)
    assert "Lines break" not in _caption(figure)
    assert _walls(fx.plot_path(store, start=DAYS[1], end=DAYS[4]).axes[0]) == 0  # the store held it before


def test_path_explains_a_peg_hop_without_a_mark(store):
    store.append(_ticks("TMT/USD", HOPS, DAYS[:4]))
    figure = fx.plot_path(store, start=DAYS[3], base=DAYS[2])
    assert "Peg hop: a pegged currency came back to a level that was shown before." in _caption(figure)


def test_path_counts_the_values_that_it_draws(store):
    store.append(_ticks("UZS/USD", ["0.00008"] * 3, DAYS[:3]))
    store.append(_ticks("TJS/USD", ["0.10840", "0.10863"], DAYS[:2]))
    assert " 2 values, 2025-11-14 to 2025-11-16 UTC, base 2025-11-14 12:00. " in _caption(fx.plot_path(store))


def test_path_of_several_bases_does_not_state_their_span_as_a_base(store):
    store.append(_ticks("TJS/USD", ["0.10840", "0.10863"], [DAYS[0], DAYS[40]]))
    store.append(_ticks("KZT/USD", ["0.00191", "0.00193"], [DAYS[20], DAYS[40]]))
    assert ", each line from its own base, 2025-11-14 to 2025-12-04. " in _caption(fx.plot_path(store))


def test_comparison_knows_levels_that_were_shown_between_its_ticks(store):
    levels = ["0.28490", "0.28571", "0.28571", "0.28575", "0.28575"]
    at = [DAYS[day] for day in (0, 2, 5, 20, 40)]  # the bank is too old on the fourth day
    store.append(_ticks("TMT/USD", levels, at))
    store.append([official("USD/TMT", "3.5", "cbt", DAYS[day].date()) for day in (0, 2, 5, 40)])
    store.append(_ticks("TMT/USD", ["0.28571"], [DAYS[39]]))
    figure = fx.plot_compare(store, sources=["cbt"])
    marks = [line for line in figure.axes[0].lines if line.get_marker() == "D"]
    assert [line.get_ydata().tolist() for line in marks] == [[0.28575]]


def test_command_draws_the_comparison_that_the_function_draws(store, root, tmp_path):
    store.append(_ticks("TMT/USD", ["0.28490", "0.28571", "0.28571", "0.28490"], DAYS[:4]))
    store.append([official("USD/TMT", "3.5", "cbt", DAYS[2].date())])
    output = tmp_path / "chart.svg"
    shown = CliRunner().invoke(
        app, ["plot", "compare", "--store", str(root), "--start", "2025-11-16", "-o", str(output)]
    )
    assert shown.exit_code == 0, shown.output
    assert "back to a level that was shown before" in " ".join(output.read_text("utf-8").split())


def test_comparison_states_no_age_of_a_peg(store):
    store.append(_ticks("TMT/USD", ["0.28571"], DAYS[:1]))
    store.append([PEG])
    assert " the last official rate stored by that day, a fixed one. " in _caption(fx.plot_compare(store))
    store.append([official("USD/TMT", "3.50", "cbt", DAYS[0].date())])
    text = " of 2025-11-14, each of its day; tmt-peg has a fixed one. "
    assert text in _caption(fx.plot_compare(store))


@pytest.mark.slow
def test_key_to_causes_stands_beside_no_title_that_it_would_cover():
    outcomes = [name for name in ("ok", "timeout", "blocked", "missed", "no_ticker") for _ in range(40)]
    polls = polls_of(outcomes)
    frame = ticks_of({"pair": "TMT/USD", "observed_at": regular(40), "rate_text": "0.28571"})
    figure = fx.plot_history(frame, polls=polls)
    assert (outside(figure), overlapping(figure)) == ([], [])
    small = fx.plot_coverage(polls, figsize=(6, 2.4))
    assert (outside(small), overlapping(small)) == ([], [])
    page = Figure(figsize=(9, 4), layout="constrained")
    left, right = page.subplots(1, 2)
    fx.plot_coverage(polls, ax=left)
    fx.plot_history(frame, polls=polls, ax=right)
    assert overlapping(page) == []


def test_smallest_history_of_a_pegged_pair_keeps_its_texts_on_the_canvas(store):
    store.append(_ticks("TMT/USD", HOPS, DAYS[:4]))
    store.append(_ticks("KZT/USD", ["0.00191"], DAYS[:1]))
    figure = fx.plot_history(store, figsize=(6, 4.3))
    assert (outside(figure), overlapping(figure)) == ([], [])


def test_heatmap_says_which_zeros_its_digits_cannot_tell(store):
    store.append(_ticks("UZS/USD", ["0.00008"] * 3, DAYS[:3]))
    store.append(_ticks("TJS/USD", ["0.10840", "0.10863", "0.10963"], DAYS[:3]))
    text = " Cannot be told: UZS/USD, whose bands are up to 25.1 % wide. "
    assert text in _caption(fx.plot_heatmap(store, freq="day"))
    assert "Cannot be told" not in _caption(fx.plot_heatmap(store, freq="day", pairs=["TJS"]))


def test_heatmap_of_peg_hops_alone_does_not_call_them_rounding(store):
    store.append(_ticks("TMT/USD", HOPS, DAYS[:4]))
    title = fx.plot_heatmap(store, freq="day", start=DAYS[2] - timedelta(hours=1)).get_suptitle()
    assert title.startswith("No change from one day to the next is more than rounding or a peg hop, ")


def test_caption_states_a_reason_once_and_long_ones_in_short(store):
    banks = [("USD/KZT", "512.00", "nbk"), ("USD/TJS", "9.2200", "nbt")]
    store.append([official(pair, text, bank, DAYS[0].date()) for pair, text, bank in banks])
    store.append(_ticks("UZS/USD", ["0.00008"] * 2, [DAYS[0], DAYS[30]]))
    days = {"start": DAYS[0].date(), "end": DAYS[30].date()}
    caption = _caption(fx.plot_drift(store, sources="rate", **days))
    reason = "no source has a rate at all 2 instants from 2025-11-14 23:59 to 2025-12-14 23:59 UTC"
    assert caption.partition("Left out: ")[2].partition(" Line:")[0] == f"KZT/USD, TJS/USD ({reason})."


@pytest.mark.slow
def test_report_states_no_age_of_a_peg_and_the_verdicts_of_the_charts(store):
    store.append(_ticks("TMT/USD", ["0.28571"], DAYS[:1]))
    store.append(_ticks("KZT/USD", ["0.00191", "0.00192"], DAYS[:2]))
    store.append([PEG])
    page = fx.monthly_report(store, "2025-11")
    assert "peg in force" in page
    assert "<td>within rounding</td>" in page


def test_history_shows_the_span_that_was_asked_for_also_where_nothing_is_known(store):
    store.append(_ticks("KZT/USD", ["0.00191", "0.00192"], [DAYS[0], DAYS[3]]))
    figure = fx.plot_history(store, start="2025-11", end="2025-11")
    [panel] = figure.axes
    low, high = mdates.num2date(panel.get_xlim())
    assert low < pd.Timestamp("2025-11-01", tz="UTC") < pd.Timestamp("2025-11-30", tz="UTC") < high
    assert " 2 values on 2 of 30 days, UTC. " in _caption(figure)
    assert [text.get_text() for text in panel.texts] == ["0.00192\nof 2025-11-17"]
    assert figure.get_suptitle().endswith(", 2025-11-14 to 2025-11-17")
    assert " 2 values on 2 of 4 days, UTC. " in _caption(fx.plot_history(store))


def test_charts_of_a_report_count_the_days_of_its_month(store):
    store.append(_ticks("KZT/USD", ["0.00191", "0.00192"], [DAYS[0], DAYS[3]]))
    page = fx.monthly_report(store, "2025-11")
    assert "on 2 of 30 days, from" in page
    assert "2 values on 2 of 30 days, UTC." in page


def test_lone_values_of_four_sources_of_a_currency_have_four_marks_in_a_path(store):
    for number, source in enumerate(["timesca", "cbr", "fawazahmed0", "nbk"]):
        store.append(_ticks("KZT/USD", ["0.00181", "0.00191"], [DAYS[number], DAYS[40 - number]], source=source))
    assert {"o", "s", "^", "v"} <= _marks(fx.plot_path(store, max_age="any").axes[0])


def test_rate_of_an_aggregator_is_not_called_official(store):
    store.append(_ticks("KZT/USD", ["0.00191"] * 2, DAYS[:2]))
    store.append(_ticks("KZT/USD", ["0.00196"] * 2, DAYS[:2], source="fawazahmed0"))
    figure = fx.plot_compare(store)
    assert "fficial" not in f"{figure.get_suptitle()} {_caption(figure)}"
    assert "Ticker and rates of other sources. " in _caption(figure)


def test_middle_of_several_values_of_a_date_is_told_and_no_level(store):
    dated = [("2025-01-14", "0.28490"), ("2025-01-15", "0.28490"), ("2025-01-15", "0.28571"), ("2025-01-16", "0.28571")]
    store.append([official("TMT/USD", text, "timesca", date.fromisoformat(day)) for day, text in dated])
    figure = fx.plot_history(store)
    assert (
        " Of several values of one date: the band spans them, and the line is its middle, which is no level. "
        in _caption(figure)
    )
    marked = [rate for line in figure.axes[0].lines if line.get_marker() == "D" for rate in line.get_ydata()]
    assert marked == [0.28571]
    assert not fx.changes(store)["peg_hop"].any()  # neither is proven
    path = fx.plot_path(store)
    assert " the line is its middle, which is no level." in _caption(path)
    marked = [rate for line in path.axes[0].lines if line.get_marker() == "D" for rate in line.get_ydata()]
    assert marked == []  # both of its levels were first shown on one date


def test_base_of_a_path_under_a_minute_is_not_behind_its_values(store):
    store.append(_ticks("KZT/USD", ["0.00191", "0.00192"], [NOON + timedelta(seconds=42 + n) for n in (0, 5)]))
    assert " 12:00:42 to 12:00:47 UTC, base 2025-11-14 12:00:42. " in _caption(fx.plot_path(store))


def test_base_at_the_end_of_one_source_ends_no_chart_of_another(store):
    store.append(_ticks("KZT/USD", ["0.00181", "0.00191"], DAYS[:2]))
    store.append(_ticks("KZT/USD", ["0.00181", "0.00191", "0.00201"], DAYS[:3], source="nbk"))
    title = fx.plot_path(store, base=DAYS[1]).get_suptitle().replace("\n", " ")
    assert title == "Rates in percent of those at the base by timesca, 2025-11-15 12:00"


def test_cause_of_a_stretch_of_several_polled_sources_is_that_of_the_ticker():
    kept = regular(120).delete(range(40, 80))
    frames = [
        ticks_of({"pair": "KZT/USD", "observed_at": kept, "rate_text": text}).assign(source=source)
        for source, text in (("nbk", "0.001911"), ("timesca", "0.00191"))
    ]
    polls = [
        polls_of(["ok"] * 40 + [outcome] * 40 + ["ok"] * 40).assign(source=source)
        for source, outcome in (("nbk", "blocked"), ("timesca", "timeout"))
    ]
    figure = fx.plot_history(pd.concat(frames, ignore_index=True), polls=pd.concat(polls, ignore_index=True))
    assert " Shaded: no successful poll of any source of the panel, by the cause of timesca. " in _caption(figure)
    keys = [key for each in (figure, *figure.axes) for key in each.findobj(Legend)]
    assert [text.get_text() for key in keys for text in key.get_texts()][:1] == ["no answer"]


def test_drifts_over_several_spans_are_all_told_and_dated(store):
    store.append(_ticks("KZT/USD", ["0.00181", "0.00191"], [DAYS[0], DAYS[20]], source="nbk"))
    store.append(_ticks("TJS/USD", ["0.10840", "0.10863"], [DAYS[0], DAYS[22]], source="nbt"))
    store.append(_ticks("KGS/USD", ["0.01144", "0.01144"], [DAYS[0], DAYS[22]]))
    figure = fx.plot_drift(store, start=DAYS[0], end=DAYS[22])
    title = figure.get_suptitle().replace("\n", " ")
    assert title.startswith("The tenge gained 4.9 to 6.1 % against the dollar, the somoni ")
    assert title.endswith(", each over its own dates, 2025-11-14 to 2025-12-06")
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert sum("2025-11-14 to 2025-12-0" in text for text in texts) == 3


def test_comparison_draws_no_middle_as_a_level(store):
    dated = [("2025-01-14", "0.28490"), ("2025-01-15", "0.28490"), ("2025-01-15", "0.28571"), ("2025-01-16", "0.28571")]
    store.append([official("TMT/USD", text, "timesca", date.fromisoformat(day)) for day, text in dated])
    store.append([PEG])
    figure = fx.plot_compare(store)
    assert " the line is its middle, which is no level. " in _caption(figure)
    assert [line for line in figure.axes[0].lines if line.get_marker() == "D"] == []


def test_path_with_a_later_base_tells_no_change_backwards(store):
    store.append(_ticks("KZT/USD", ["0.00181", "0.00191", "0.00201"], DAYS[:3]))
    title = fx.plot_path(store, base=DAYS[2], end=DAYS[1] + timedelta(hours=1)).get_suptitle().replace("\n", " ")
    assert title == "Rates in percent of those at a later base, 2025-11-16 12:00"
