"""What a chart claims beyond its lines: titles, labels, counts and captions, for a reader who has only the picture."""

import re
from datetime import timedelta
from functools import partial

import pandas as pd
import pytest
from builders import NOON, snapshot_ticks, tick
from click.testing import CliRunner
from drawn import outside, overlapping, polls_of, ticks_of
from rate_ticks import official

import fxticker as fx
from fxticker.charts import plot_compare, plot_coverage, plot_heatmap, plot_path, save_figure
from fxticker.cli import app

DAYS = [NOON + timedelta(days=number) for number in range(41)]


def _labels(axis):
    return [text.get_text() for text in axis.texts]


def _ticks(pair, texts, days, source="timesca"):
    return [tick(pair, text, None, day, source=source) for text, day in zip(texts, days, strict=True)]


def _title(figure):
    return figure.get_suptitle().replace("\n", " ")


def _caption(figure):
    return figure.get_supxlabel().replace("\n", " ")


def test_last_value_of_long_before_the_end_of_the_chart_has_its_date(store):
    store.append(_ticks("KZT/USD", ["0.00191", "0.00198"], [DAYS[0], DAYS[40]]))
    store.append(_ticks("KZT/USD", ["0.00192", "0.00193"], DAYS[:2], source="bank"))
    store.append(_ticks("TJS/USD", ["0.10840", "0.10850"], DAYS[:2]))
    figure = fx.plot_history(store)
    assert [_labels(panel) for panel in figure.axes] == [
        ["0.00193  bank\nof 2025-11-15", "0.00198  timesca"],
        ["0.10850  timesca\nof 2025-11-15"],
    ]
    assert (outside(figure), overlapping(figure)) == ([], [])


def test_title_claims_no_move_up_to_a_date_by_which_the_rate_had_ended(store):
    store.append(_ticks("KZT/USD", ["0.00191", "0.00198"], [DAYS[0], DAYS[40]]))
    store.append(_ticks("TJS/USD", ["0.10840", "0.20850"], DAYS[:2]))
    assert _title(fx.plot_history(store)) == (
        "The somoni gained 92.3 to 92.4 % against the dollar, the tenge 3.1 to 4.2 %, each over its own dates, "
        "2025-11-14 to 2025-12-24"
    )


def test_title_tells_the_move_of_a_rate_that_is_not_shown_any_more(store):
    store.append(_ticks("KZT/USD", ["0.00209", "0.00198"], [DAYS[0], DAYS[37]]))
    store.append(_ticks("TJS/USD", ["0.10840"] * 3, [DAYS[0], DAYS[37], DAYS[40]]))
    store.append(_ticks("KGS/USD", ["0.01144"] * 3, [DAYS[0], DAYS[37], DAYS[40]]))
    drift = fx.plot_drift(store, start=DAYS[0], end=DAYS[40])
    for figure in (fx.plot_history(store), plot_path(store), drift):
        assert _title(figure).startswith("The tenge lost 4.7 to 5.8 % against the dollar, 2025-11-14 to 2025-12-21")
    assert sum("2025-11-14 to 2025-12-24" in text for text in _labels(drift.axes[0])) == 2


def test_title_claims_no_move_since_a_date_at_which_the_rate_had_not_begun(store):
    store.append(_ticks("KZT/USD", ["0.00191", "0.00198"], [DAYS[0], DAYS[40]]))
    store.append(_ticks("TJS/USD", ["0.10840", "0.10940"], [DAYS[20], DAYS[40]]))
    assert _title(fx.plot_history(store)) == (
        "The tenge gained 3.1 to 4.2 % against the dollar, the somoni 0.91 to 0.94 %, "
        "each since its first value, to 2025-12-24"
    )


def test_title_about_the_ticker_has_the_dates_of_the_ticker_and_not_of_a_bank(store):
    store.append(_ticks("KZT/USD", ["0.00191", "0.00198"], [DAYS[30], DAYS[40]]))
    store.append(_ticks("KZT/USD", ["0.00150", "0.00198"], [DAYS[0], DAYS[40]], source="bank"))
    assert _title(fx.plot_history(store)) == (
        "The tenge gained 3.1 to 4.2 % against the dollar by timesca, 2025-12-14 to 2025-12-24"
    )


def test_title_of_pairs_that_each_have_one_source_is_about_all_of_them(store):
    store.append(_ticks("TJS/USD", ["0.10840", "0.10940"], DAYS[:2], source="nbt"))
    store.append(_ticks("UZS/USD", ["0.000080", "0.000082"], DAYS[:2], source="cbu"))
    assert _title(fx.plot_history(store)).startswith(
        "The sum gained 1.2 to 3.8 % against the dollar, the somoni 0.91 to 0.94 %, 2025-11-14"
    )


def test_titles_of_changes_of_several_sources_are_about_the_ticker_and_say_so(store):
    store.append(_ticks("TJS/USD", ["0.10840", "0.10940"], DAYS[:3:2]))
    store.append(_ticks("TJS/USD", ["0.10840", "0.11940"], DAYS[:3:2], source="nbt"))
    title = "The somoni gained 0.91 to 0.94 % against the dollar by timesca, 2025-11-14 to 2025-11-16"
    figures = [plot_path(store), fx.plot_drift(store, start=DAYS[0], end=DAYS[2]), fx.plot_history(store)]
    assert [_title(figure) for figure in figures] == [title] * 3


def test_percent_of_a_panel_without_the_ticker_is_not_said_to_be_of_the_ticker(store):
    store.append(_ticks("KZT/USD", ["0.00191", "0.00198"], DAYS[:2]))
    store.append(_ticks("KZT/USD", ["0.00191", "0.00198"], DAYS[:2], source="bank"))
    assert "Right: percent from the first value of timesca." in _caption(fx.plot_history(store))
    store.append(_ticks("KZT/RUB", ["0.156902", "0.157902"], DAYS[:2], source="bank"))
    assert "Right: percent from the first value, of timesca where it is drawn." in _caption(fx.plot_history(store))


def test_path_states_the_band_of_the_last_change_that_it_does_not_draw(store):
    store.append(_ticks("KZT/USD", ["0.00191", "0.00198", "0.00198"], DAYS[:3]))
    store.append(_ticks("UZS/USD", ["0.00008", "0.00009", "0.00008"], DAYS[:3]))
    [axis] = plot_path(store).axes
    assert axis.get_title(loc="left") == "Not drawn: UZS/USD, whose printed digits allow −12 to +14 %"


def test_path_states_the_date_of_a_change_that_it_does_not_draw_and_that_is_old(store):
    store.append(_ticks("KZT/USD", ["0.00191", "0.00198"], [DAYS[0], DAYS[40]]))
    store.append(_ticks("UZS/USD", ["0.00008", "0.00008"], DAYS[:2]))
    [axis] = plot_path(store).axes
    assert axis.get_title(loc="left") == "Not drawn: UZS/USD, whose printed digits allow −12 to +14 % by 2025-11-15"


def test_coverage_counts_the_same_days_beside_a_strip_and_in_the_title():
    figure = plot_coverage(polls_of(["timeout"] * 24 + ["ok"] * 48, every="1h"))
    assert figure.get_suptitle() == "66.7 % of 72 polls succeeded, on 2 of 3 days"
    assert _labels(figure.axes[0]) == ["66.7 % successful\nof 72 polls\non 2 of 3 days"]


def test_coverage_has_no_key_to_a_colour_that_it_does_not_draw():
    figure = plot_coverage(polls_of(["ok"] * 21 + ["timeout"] * 2 + ["blocked"], every="1h"))
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["successful", "no answer"]


@pytest.fixture
def compared(store):
    store.append(snapshot_ticks(NOON))
    store.append(_ticks("USD/TJS", ["9.2200"], [DAYS[0]], source="nbt"))
    store.append(snapshot_ticks(DAYS[40]))
    return plot_compare(store)


def test_comparison_names_the_ticker_with_its_address(compared):
    assert "Sources: timesca (timesca.com), nbt (nbt.tj)." in _caption(compared)


def test_comparison_says_what_it_counts_as_left_out(compared):
    assert "Left out: 1 comparison (official rate older than 4 d)." in _caption(compared)


def test_six_sources_are_named_with_their_addresses(store):
    for source in ("cbr", "cbu", "nbk", "nbkr", "nbt", "timesca"):
        store.append(_ticks("KZT/USD", ["0.00191"], DAYS[:1], source=source))
    assert "Sources: cbr (cbr.ru), cbu (cbu.uz), nbk (nationalbank.kz), " in _caption(fx.plot_history(store))


def test_scale_in_small_percents_asks_for_no_thousand_ticks(store, tmp_path, caplog):
    store.append(snapshot_ticks(NOON))
    save_figure(fx.plot_history(store), tmp_path / "history.png", dpi=40)
    assert caplog.messages == []


def test_title_of_two_days_has_their_times_for_a_day_has_several_rates(store):
    at = [pd.Timestamp(f"2025-11-{time}Z").to_pydatetime() for time in ("14T00:00", "14T23:45", "15T23:45")]
    store.append(_ticks("TJS/USD", ["0.10840", "0.10863", "0.10817"], at))
    assert _title(plot_path(store)).endswith(" 0.20 to 0.23 % against the dollar, 2025-11-14 00:00 to 2025-11-15 23:45")
    drift = fx.plot_drift(store, start="2025-11-14", end="2025-11-15")
    assert _title(drift).endswith(" 0.41 to 0.44 % against the dollar, 2025-11-14 23:45 to 2025-11-15 23:45")


def test_charts_of_the_same_changes_show_the_same_times(store):
    at = [NOON + timedelta(seconds=2), NOON + timedelta(days=3, seconds=2)]
    store.append(_ticks("TJS/USD", ["0.10840", "0.10863"], at))
    assert " base 2025-11-14 12:01. " in _caption(plot_path(store))
    drift = fx.plot_drift(store, start="2025-11-14", end="2025-11-17")
    assert " each end: 2025-11-14 12:01 to 2025-11-17 12:01 UTC" in _caption(drift)


def test_title_ends_on_the_day_of_its_last_tick_also_in_the_last_minute(store):
    at = [pd.Timestamp(f"2025-11-14T{time}Z").to_pydatetime() for time in ("23:30", "23:59:30")]
    store.append(_ticks("TJS/USD", ["0.10840", "0.10863"], at))
    assert _title(plot_path(store)).endswith(", 2025-11-14 23:30 to 23:59:30")


def test_title_of_two_value_dates_has_no_times(store):
    at = [pd.Timestamp(f"2025-11-{day}", tz="UTC").to_pydatetime() for day in (14, 15)]
    store.append(_ticks("USD/TJS", ["9.2200", "9.3200"], at, source="nbt"))
    assert _title(fx.plot_history(store)).endswith(", 2025-11-14 to 2025-11-15")


def test_title_of_a_path_has_the_base_and_the_name_of_the_source_that_it_is_about(store):
    later = NOON + timedelta(minutes=1)
    store.append(_ticks("TJS/USD", ["0.10840", "0.10863"], [later, later + timedelta(days=1)]))
    store.append(_ticks("TJS/USD", ["0.10840"], [NOON], source="nbt"))
    assert _title(plot_path(store)) == (
        "The somoni gained 0.20 to 0.23 % against the dollar by timesca, 2025-11-14 12:01 to 2025-11-15 12:01"
    )


def test_title_of_a_path_does_not_say_that_its_rates_have_bases_of_their_own_for_a_bank(store):
    store.append(_ticks("TJS/USD", ["0.10840", "0.10863"], [DAYS[0], DAYS[40]]))
    store.append(_ticks("TJS/USD", ["0.10840", "0.10863"], [DAYS[20], DAYS[30]], source="nbt"))
    assert _title(plot_path(store)).endswith(" by timesca, 2025-11-14 to 2025-12-24")


def test_path_explains_no_band_and_no_break_that_it_does_not_draw(store):
    store.append(_ticks("KZT/USD", ["0.00191"], DAYS[:1]))
    assert " base 2025-11-14 12:00. fxticker " in _caption(plot_path(store))
    store.append(_ticks("KZT/USD", ["0.00192"], [DAYS[0] + timedelta(hours=1)]))
    assert " Band: what the printed digits allow. fxticker " in _caption(plot_path(store))
    store.append(_ticks("KZT/USD", ["0.00193"], DAYS[40:]))
    assert " allow. Lines break over three usual distances of values. fxticker " in _caption(plot_path(store))


def test_coverage_explains_a_cause_only_where_a_poll_failed():
    assert " A cell is a day. fxticker " in _caption(plot_coverage(polls_of(["ok"] * 3)))
    assert " the colour above is the main cause " in _caption(plot_coverage(polls_of(["ok", "timeout"])))


@pytest.fixture
def ten_seconds(store):
    store.append(_ticks("TJS/USD", ["0.10840", "0.10863"], [NOON + timedelta(seconds=number) for number in (2, 12)]))
    return store


def test_change_within_a_minute_has_the_seconds_of_both_its_ends(ten_seconds):
    span = ", 2025-11-14 12:00:02 to 12:00:12"
    assert [_title(draw(ten_seconds))[-len(span) :] for draw in (fx.plot_history, plot_path)] == [span] * 2


def test_drift_within_a_minute_has_the_seconds_of_both_its_ends(ten_seconds):
    span = {"start": NOON + timedelta(seconds=5), "end": NOON + timedelta(seconds=20)}
    figure = fx.plot_drift(fx.drift(ten_seconds, **span))
    assert " 2025-11-14 12:00:02 to 12:00:12 UTC, 1 rate." in _caption(figure)
    asked = ["drift", *(f"--{name}={at.isoformat()}" for name, at in span.items()), "--store", str(ten_seconds.backend)]
    shown = CliRunner().invoke(app, asked).stdout
    assert "start_at 2025-11-14 12:00:02, end_at 2025-11-14 12:00:12" in shown.replace("\n", " ")


@pytest.mark.parametrize(
    ("last_s", "span"),
    [(64, "12:00:12 to 12:01:04"), (588, "12:00:12 to 12:09:48"), (900, "12:01 to 12:15")],
)
def test_title_of_a_few_minutes_has_the_seconds_that_its_axis_has(store, last_s, span):
    instants = [NOON + timedelta(seconds=number) for number in (12, last_s)]
    store.append(_ticks("TJS/USD", ["0.10840", "0.10863"], instants))
    assert _title(fx.plot_history(store)).endswith(f", 2025-11-14 {span}")


def test_axis_of_seconds_does_not_read_as_one_of_days(ten_seconds):
    figure = fx.plot_history(ten_seconds)
    [panel] = figure.axes
    figure.draw_without_rendering()
    low, high = panel.get_xlim()
    labels = [label.get_text() for label in panel.get_xticklabels() if low <= label.get_position()[0] <= high]
    assert re.fullmatch(r"12:00:\d\d\n14 Nov\n2025", labels[0])


def test_one_tick_shortly_after_its_poll_is_a_chart_of_one_instant():
    frame = ticks_of({"pair": "TMT/USD", "observed_at": [NOON + timedelta(seconds=1)], "rate_text": "0.28615"})
    [panel] = fx.plot_history(frame, polls=polls_of(["ok"], start=NOON)).axes
    low, high = panel.get_xlim()
    assert high - low == pytest.approx(1)
    assert list(panel.lines[-1].get_xdata()) == [0, 1]  # the peg, from edge to edge


@pytest.mark.parametrize("draw", [fx.plot_history, plot_path])
def test_title_has_the_times_of_the_rates_that_moved_and_not_of_one_that_did_not(store, draw):
    half = timedelta(hours=11)
    store.append(_ticks("KZT/USD", ["0.00191", "0.00191"], [NOON, NOON + 2 * half]))
    store.append(_ticks("TJS/USD", ["0.10840", "0.10863"], [NOON + half, NOON + 3 * half], source="nbt"))
    assert _title(draw(store)) == (
        "The somoni gained 0.20 to 0.23 % against the dollar, 2025-11-14 23:00 to 2025-11-15 21:00"
    )


def test_comparison_with_two_banks_does_not_call_its_comparisons_ticks(store):
    store.append(_ticks("TJS/USD", ["0.10840"], DAYS[:1]))
    store.append(_ticks("USD/TJS", ["9.2250"], DAYS[:1], source="nbt"))
    store.append(_ticks("USD/TJS", ["9.2550"], DAYS[:1], source="cbr"))
    assert (
        _title(plot_compare(store))
        == "Official rate inside the ticker's band: TJS at 50.0 % of comparisons, 2025-11-14"
    )


def test_comparison_knows_levels_from_before_it_and_names_the_lines_that_share_an_ink(store):
    rates = ["0.28490", "0.28571", "0.28571", "0.28490"]
    store.append([tick("TMT/USD", rate, "0%", DAYS[number]) for number, rate in enumerate(rates)])
    banks = [("cbt", "3.5"), ("nbx", "3.51")]
    store.append([official("USD/TMT", text, bank, DAYS[2].date()) for bank, text in banks])

    span = {"start": DAYS[2] - timedelta(hours=1), "end": DAYS[4]}
    by_store, by_frame = fx.plot_compare(store, **span), fx.plot_compare(fx.compare(store, **span))

    assert "Lines: cbt solid ●, nbx dotted ■. " in _caption(by_store)
    assert "Diamond: peg hop, back to a level that was shown before." in _caption(by_store)
    assert "Diamond" not in _caption(by_frame)
    one = fx.plot_compare(store, sources=["nbx"], **span)
    assert "Lines:" not in _caption(one)
    assert "Lines: cbt solid ●, nbx dotted ■." in _caption(fx.plot_history(store, pairs=["TMT/USD"]))


def test_rates_that_came_back_to_their_first_value_did_not_change_from_first_to_last(store):
    store.append(_ticks("KGS/USD", ["0.10593", "0.10553", "0.10593"], DAYS[:3]))
    store.append(_ticks("TMT/USD", ["0.28571", "0.28490", "0.28571", "0.28490"], DAYS[:4]))
    assert "; 1 of 2 rates did not change in print from first to last value, " in _title(fx.plot_history(store))


def test_hops_of_a_peg_in_a_cross_rate_are_named_in_the_title(history_store):
    figure = fx.plot_drift(history_store, start="2025-12-08", end="2025-12-09", pairs=["TMT/KGS"])
    assert ", hops of the pegged manat not told apart, " in _title(figure)


def test_lone_value_is_no_rate_that_did_not_change(store):
    store.append(_ticks("KGS/USD", ["0.10593", "0.10593"], DAYS[:2]))
    store.append(_ticks("TJS/USD", ["0.10593"], DAYS[:1]))
    title = _title(fx.plot_history(store))
    assert title.startswith("The digits allow −0.010 to +0.010 % for the som against the dollar: equal at both ends")


def test_hop_per_dollar_names_the_pegged_currency(store):
    store.append(_ticks("TMT/USD", ["0.28571", "0.28490", "0.28571", "0.28490"], DAYS[:4]))
    title = _title(fx.plot_history(store, per_usd=True))
    assert title.startswith("The pegged manat came back to a level shown before, ")


def test_heatmap_names_the_hops_in_its_cross_rates(history_store):
    figure = fx.plot_heatmap(history_store, freq="day", start="2025-12-07", end="2025-12-14", pairs=["TMT/KGS", "TMT"])
    assert " against the som, hops of the pegged manat not told apart, " in _title(figure)
    assert " Cross rates take part in the peg hops of TMT. " in _caption(figure)
    for other in (fx.plot_history(history_store, pairs=["TMT/KGS"]), plot_path(history_store, pairs=["TMT/KGS"])):
        assert " Cross rates take part in the peg hops of TMT." in _caption(other)


@pytest.mark.parametrize(
    "plot", [fx.plot_history, plot_path, plot_heatmap, partial(fx.plot_drift, start="2025-12-12", end="2025-12-14")]
)
def test_chart_of_a_frame_says_that_it_does_not_know_levels_of_a_peg_before_it(history_store, plot):
    frame = fx.load(history_store, start="2025-12-11", end="2025-12-16")
    told = "Levels of a peg before this frame are not known: a change may be a hop."
    assert told in _caption(plot(frame, **({"freq": "day"} if plot is plot_heatmap else {})))
    assert told not in _caption(plot(frame, pairs=["KZT"], **({"freq": "day"} if plot is plot_heatmap else {})))


def test_title_of_look_ups_says_as_of_when(history_store):
    rates = fx.rate(history_store, ["TJS"], start="2025-12-08", end="2025-12-12", every="1d", order="ticker")
    assert ", last rates as of 2025-12-08 to 2025-12-12" in _title(fx.plot_history(rates))


def test_new_level_of_a_peg_is_said_to_be_one(history_store):
    span = {"start": "2026-02-01", "end": "2026-02-06", "pairs": ["TMT"]}
    said = "Newer level: a pegged currency at a value that was first shown after the one that it is compared with, "
    for figure in (
        fx.plot_history(history_store, **span),
        plot_path(history_store, **span),
        fx.plot_drift(history_store, **span),
    ):
        assert _title(figure).startswith("The pegged manat lost 0.15 to 0.17 % against the dollar, to a newer level, ")
        assert said in _caption(figure)
    heat = plot_heatmap(history_store, freq="day", **span | {"pairs": ["TMT", "TJS"]})
    assert "manat" not in _title(heat)
    assert " more than rounding, 1 of them to a newer level." in _caption(heat)
    assert said in _caption(heat)
