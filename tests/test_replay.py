from datetime import date

import fxticker as fx
from fxticker.model.records import Outcome
from fxticker.simulation.captures import dated_slots, read_captures
from fxticker.simulation.official import official_ticks
from fxticker.simulation.replay import replay, run_daemon
from fxticker.simulation.site import TickerSite
from fxticker.store.store import Store


def test_packaged_history_holds_the_214_captures():
    captures = read_captures()
    assert len(captures) == 214
    assert sum(capture.page_date is None for capture in captures) == 47
    assert sum(len(capture.ticks) == 4 for capture in captures) == 11


def test_slots_lie_on_the_recorded_dates_in_order():
    slots = [(slot, capture.page_date) for slot, capture in dated_slots(read_captures())]
    assert len(slots) == 167
    assert all(slot.date() == day for slot, day in slots)
    assert [slot for slot, _ in slots] == sorted({slot for slot, _ in slots})


def test_replay_stores_what_was_printed_at_the_simulated_slots(tmp_path):
    history = list(dated_slots(read_captures()))[:12]
    with TickerSite() as site:
        polls = list(replay(history, site=site, store_path=tmp_path / "history"))
    assert [poll.outcome for poll in polls] == [Outcome.OK] * 12
    assert [poll.slot for poll in polls] == [slot for slot, _ in history]
    stored = fx.load(tmp_path / "history")
    assert len(stored) == 60
    assert stored["observed_at"].iloc[0].date() == date(2024, 9, 8)
    printed = {(tick.rate_text, tick.change_text) for _, capture in history for tick in capture.ticks}
    assert set(zip(stored["rate_text"].astype(str), stored["change_text"].astype(str), strict=True)) == printed


def test_daemon_polls_the_site_once_per_slot(tmp_path):
    captures = read_captures()[:3]
    seen = []
    with TickerSite() as site:
        run_daemon(captures, site=site, store_path=tmp_path / "live", on_poll=seen.append)
    polls = fx.load_polls(tmp_path / "live")
    assert list(polls["outcome"]) == ["ok", "ok", "ok"]
    assert polls["slot"].is_unique
    assert len(fx.load(tmp_path / "live")) == 15
    assert [poll.ticks for poll in seen] == [5, 5, 5]


def test_packaged_official_rates_are_those_of_days_of_the_history(tmp_path):
    ticks = list(official_ticks())
    assert {(tick.source, str(tick.source_date)) for tick in ticks} == {
        *(("cbr", day) for day in ("2025-01-31", "2025-02-01", "2025-11-06", "2026-02-20", "2026-02-21")),
        ("nbt", "2025-01-20"),
        ("cbu", "2025-01-23"),
        ("cbu", "2025-12-09"),
    }
    # what the Bank of Russia prints is its dollar rate by the official rate of each country: 3.5 manats, and 87.45 soms
    store = Store(tmp_path)
    store.append(ticks)
    crosses = fx.quotes(store, pairs=["USD/TMT", "USD/KGS"], sources=["cbr"])
    for pair, official in (("USD/TMT", 3.5), ("USD/KGS", 87.45)):
        shown = crosses[crosses["pair"] == pair]
        assert len(shown) == 5
        assert shown["rate"].round(4 if pair == "USD/TMT" else 3).eq(official).all()
