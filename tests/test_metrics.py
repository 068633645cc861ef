import json
from dataclasses import replace
from datetime import timedelta

import pytest
from builders import NOON, FixedClock, snapshot_ticks, tick
from prometheus_client.parser import text_string_to_metric_families
from servers import get

import fxticker
from fxticker.errors import StoreError
from fxticker.model.clock_trust import ClockComparison, Trust
from fxticker.model.records import Outcome, Poll
from fxticker.model.schedule import Every
from fxticker.monitoring.http import MetricsServer
from fxticker.monitoring.metrics import Metrics
from fxticker.sources.registry import ScheduledSource
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.backend import FreeSpace

QUARTER = timedelta(minutes=15)
PLANS = [ScheduledSource(SOURCE, Every(QUARTER))]
OWN = {"source": "timesca"}
ANY_PORT = ("127.0.0.1", 0)
EPOCH_OF_NOON_S = 1_763_121_600


@pytest.fixture
def clock():
    return FixedClock()


@pytest.fixture
def metrics(store, clock):
    observer = Metrics(store=store, clock=clock)
    observer.started(PLANS)
    observer.caught_up("timesca", None)
    return observer


@pytest.fixture
def served(metrics):
    with MetricsServer(metrics, ANY_PORT) as server:
        yield server.url


def scraped(url):
    """What is served, by name and labels, as the client library's parser reads it."""
    status, kind, text = get(f"{url}metrics")
    assert (status, kind.partition(";")[0]) == (200, "text/plain")
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples, name, **labels):
    return samples.get((f"fxticker_{name}", *sorted(labels.items())))


def poll_once(metrics, store, outcome=Outcome.OK, slot=NOON, ticks=()):
    """What the daemon does at a slot."""
    poll = Poll("timesca", slot, outcome, started_at=slot, duration_ms=300, ticks=len(ticks))
    store.append(ticks)
    store.record([poll])
    metrics.polled(poll)


# What is counted


def test_polls_are_counted_by_outcome(metrics, store, served):
    poll_once(metrics, store, ticks=snapshot_ticks())
    poll_once(metrics, store, Outcome.TIMEOUT, NOON + QUARTER)
    metrics.polled(Poll("timesca", NOON + 2 * QUARTER, Outcome.MISSED))
    samples = scraped(served)
    assert value(samples, "polls_total", outcome="ok", **OWN) == 1
    assert value(samples, "polls_total", outcome="timeout", **OWN) == 1
    assert value(samples, "polls_total", outcome="missed", **OWN) == 1
    assert value(samples, "polls_total", outcome="damaged", **OWN) == 0
    assert value(samples, "rows_written_total", **OWN) == 5
    assert value(samples, "poll_duration_seconds_count", **OWN) == 2
    assert value(samples, "poll_duration_seconds_sum", **OWN) == pytest.approx(0.6)
    assert value(samples, "poll_duration_seconds_bucket", le="0.25", **OWN) == 0
    assert value(samples, "poll_duration_seconds_bucket", le="0.5", **OWN) == 2


def test_clock_jumps_are_counted(metrics, served):
    metrics.clock_jumped(timedelta(hours=1))
    metrics.clock_jumped(timedelta(seconds=-2.5))
    samples = scraped(served)
    assert value(samples, "clock_jumps_total") == 2
    assert value(samples, "clock_jump_seconds") == -2.5


def test_rates_and_changes_are_those_last_stored(metrics, store, clock, served):
    poll_once(metrics, store, ticks=[tick("KZT/USD", "0.00191", "0%"), tick("TMT/USD", "3.50", "0%")])
    assert value(scraped(served), "rate", pair="KZT/USD", **OWN) == 0.00191
    clock.at = later = NOON + QUARTER
    ticks = [tick("KZT/USD", "0.00192", "0%", later), tick("TMT/USD", "3.50", "0%", later)]
    poll_once(metrics, store, slot=later, ticks=ticks)
    samples = scraped(served)
    assert value(samples, "rate", pair="KZT/USD", **OWN) == 0.00192
    assert value(samples, "last_seen_timestamp_seconds", pair="TMT/USD", **OWN) == EPOCH_OF_NOON_S + 900
    assert value(samples, "last_change_timestamp_seconds", pair="KZT/USD", **OWN) == EPOCH_OF_NOON_S + 900
    assert value(samples, "last_change_timestamp_seconds", pair="TMT/USD", **OWN) == EPOCH_OF_NOON_S  # first seen then


def test_records_from_before_the_start_are_exported(store, clock):
    store.append(snapshot_ticks(NOON - QUARTER))
    store.record([Poll("timesca", NOON - QUARTER, Outcome.OK)])
    observer = Metrics(store=store, clock=clock)
    observer.started(PLANS)
    with MetricsServer(observer, ANY_PORT) as server:
        samples = scraped(server.url)
    assert value(samples, "last_ok_timestamp_seconds", **OWN) == EPOCH_OF_NOON_S - 900
    assert value(samples, "rate", pair="UZS/USD", **OWN) == 0.00008
    assert value(samples, "polls_total", outcome="ok", **OWN) == 0
    assert value(samples, "next_slot_timestamp_seconds", **OWN) == EPOCH_OF_NOON_S + 900


@pytest.mark.parametrize(("measure_every_s", "is_measured_again"), [(60, False), (-1, True)])
def test_size_of_the_store_is_measured_at_most_once_a_minute(store, clock, measure_every_s, is_measured_again):
    metrics = Metrics(store=store, clock=clock, measure_every_s=measure_every_s)
    with MetricsServer(metrics, ANY_PORT) as server:
        poll_once(metrics, store)
        first = value(scraped(server.url), "store_bytes")
        assert first > 0
        poll_once(metrics, store, slot=NOON - timedelta(days=90))
        assert (value(scraped(server.url), "store_bytes") > first) == is_measured_again


def test_build_info_has_the_version(metrics, served):
    assert value(scraped(served), "build_info", version=fxticker.__version__) == 1


def test_reload_changes_the_sources(metrics, store, served):
    poll_once(metrics, store)
    metrics.started([ScheduledSource(replace(SOURCE, id="another"), Every(QUARTER))])
    samples = scraped(served)
    assert value(samples, "next_slot_timestamp_seconds", source="another") == EPOCH_OF_NOON_S + 900
    assert value(samples, "next_slot_timestamp_seconds", **OWN) is None
    assert value(samples, "polls_total", outcome="ok", **OWN) == 1


def test_names_follow_the_conventions(metrics, store, served):
    poll_once(metrics, store, ticks=snapshot_ticks())
    _, _, text = get(f"{served}metrics")
    families = [family for family in text_string_to_metric_families(text) if family.name.startswith("fxticker_")]
    assert len(families) >= 12
    assert all(family.documentation for family in families)
    assert [family.name for family in families if family.name.endswith(("_ms", "_ago", "_mb", "_minutes"))] == []
    counters = [sample.name for family in families if family.type == "counter" for sample in family.samples]
    assert {name.rpartition("_")[2] for name in counters} == {"total"}


def test_metrics_are_private_to_their_object(store, clock):
    assert Metrics(store=store, clock=clock).registry is not Metrics(store=store, clock=clock).registry


def test_unreadable_store_leaves_the_counters(metrics, store, served, tmp_path):
    poll_once(metrics, store)
    [segment] = tmp_path.rglob("*.parquet")
    good = segment.read_bytes()
    segment.write_bytes(b"no segment")
    samples = scraped(served)
    assert value(samples, "polls_total", outcome="ok", **OWN) == 1
    assert value(samples, "last_ok_timestamp_seconds", **OWN) is None
    status, _, body = get(f"{served}healthz")
    assert (status, body.startswith("polls/source=timesca/month=2025-11/00000.parquet: cannot be read")) == (503, True)
    segment.write_bytes(good)
    assert value(scraped(served), "last_ok_timestamp_seconds", **OWN) == EPOCH_OF_NOON_S


def test_unreadable_file_is_logged_once_however_often_it_is_scraped(metrics, store, served, tmp_path, caplog):
    poll_once(metrics, store)
    [segment] = tmp_path.rglob("*.parquet")
    segment.write_bytes(b"no segment")
    for _ in range(3):
        scraped(served)
        get(f"{served}healthz")
    logged = [message for message in caplog.messages if message.startswith("metrics: ")]
    assert [message[:79] for message in logged] == [
        "metrics: polls/source=timesca/month=2025-11/00000.parquet: cannot be read (Parq"
    ]


def test_metrics_of_a_source_are_there_before_its_first_poll(served):
    samples = scraped(served)
    assert value(samples, "last_ok_timestamp_seconds", **OWN) == 0
    assert value(samples, "source_healthy", **OWN) == 0
    assert value(samples, "rejected_bodies_total", **OWN) == 0
    assert value(samples, "start_time_seconds") == EPOCH_OF_NOON_S
    for name in ("write_failures_total", "alert_command_failures_total", "write_duration_seconds_count"):
        assert value(samples, name) == 0


def test_source_is_healthy_as_health_says(metrics, store, clock, served):
    poll_once(metrics, store)
    assert value(scraped(served), "source_healthy", **OWN) == 1
    clock.at = NOON + 4 * QUARTER
    assert value(scraped(served), "source_healthy", **OWN) == 0


def test_band_of_a_rate_is_what_its_digits_allow(metrics, store, served):
    for_100 = tick("USD/KGS", "12.50", None, rate=0.125, nominal=100)
    poll_once(metrics, store, ticks=[tick("UZS/USD", "0.00008", "0%"), for_100])
    samples = scraped(served)
    assert value(samples, "rate_lo", pair="UZS/USD", **OWN) == 0.000075
    assert value(samples, "rate_hi", pair="UZS/USD", **OWN) == 0.000085
    assert value(samples, "rate_lo", pair="USD/KGS", **OWN) == 0.12495
    assert value(samples, "rate_hi", pair="USD/KGS", **OWN) == 0.12505


def test_writes_are_timed_apart_from_polls_and_failures_are_counted(metrics, served):
    metrics.write_ended(0.02, None)
    metrics.write_ended(3.0, StoreError("no space"))
    samples = scraped(served)
    assert value(samples, "write_duration_seconds_count") == 2
    assert value(samples, "write_duration_seconds_sum") == pytest.approx(3.02)
    assert value(samples, "write_failures_total") == 1
    assert value(samples, "poll_duration_seconds_count", **OWN) == 0


def test_rejected_bodies_and_failed_alert_commands_are_counted(metrics, served):
    metrics.body_rejected("timesca")
    metrics.alert_command_failed()
    samples = scraped(served)
    assert value(samples, "rejected_bodies_total", **OWN) == 1
    assert value(samples, "alert_command_failures_total") == 1


def test_success_and_time_of_reloads_are_exported(metrics, clock, served):
    clock.at = NOON + QUARTER
    metrics.reloaded(is_successful=False)
    samples = scraped(served)
    assert value(samples, "config_last_reload_successful") == 0
    assert value(samples, "config_last_reload_success_timestamp_seconds") == EPOCH_OF_NOON_S
    metrics.reloaded(is_successful=True)
    samples = scraped(served)
    assert value(samples, "config_last_reload_successful") == 1
    assert value(samples, "config_last_reload_success_timestamp_seconds") == EPOCH_OF_NOON_S + 900


def test_free_space_of_the_store_is_exported(metrics, store, served, monkeypatch):
    monkeypatch.setattr(type(store.backend), "free_space", lambda backend: FreeSpace(bytes=5_000, inodes=7))
    poll_once(metrics, store)
    samples = scraped(served)
    assert (value(samples, "store_free_bytes"), value(samples, "store_free_inodes")) == (5_000, 7)


def test_no_series_says_when_a_counter_was_created(metrics, store, served):
    poll_once(metrics, store, ticks=snapshot_ticks())
    for accept in ("text/plain", "application/openmetrics-text"):
        assert "_created" not in get(f"{served}metrics", Accept=accept)[2]


def test_unreadable_files_of_one_source_leave_the_metrics_of_another(metrics, store, served, tmp_path):
    poll_once(metrics, store)
    store.record([Poll("another", NOON, Outcome.OK)])
    metrics.started([*PLANS, ScheduledSource(replace(SOURCE, id="another"), Every(QUARTER))])
    [segment] = tmp_path.rglob("polls/source=another/**/*.parquet")
    segment.write_bytes(b"no segment")
    samples = scraped(served)
    assert value(samples, "source_healthy", **OWN) == 1
    assert value(samples, "source_healthy", source="another") == 0
    assert value(samples, "last_ok_timestamp_seconds", **OWN) == EPOCH_OF_NOON_S


# Health


def test_daemon_that_starts_is_not_healthy(store, clock):
    metrics = Metrics(store=store, clock=clock)
    store.record([Poll("timesca", NOON, Outcome.OK)])
    with MetricsServer(metrics, ANY_PORT) as server:
        status, _, body = get(f"{server.url}healthz")
        assert (status, body) == (503, "starting: the slots from before the start have no outcome yet\n")
        metrics.started(PLANS)
        status, _, body = get(f"{server.url}healthz")
        assert (status, body) == (503, "timesca: starting: what is due has not been polled yet\n")
        metrics.caught_up("timesca", None)
        assert get(f"{server.url}healthz")[0] == 200


def test_daemon_whose_last_write_failed_is_not_healthy(metrics, store, served):
    poll_once(metrics, store)
    metrics.write_ended(0.1, StoreError("polls: No space left\non device"))
    status, _, body = get(f"{served}healthz")
    assert (status, body) == (503, "the last write failed: polls: No space left on device\n")
    metrics.write_ended(0.1, None)
    assert get(f"{served}healthz")[0] == 200


def test_health_is_ok_if_all_sources_are_healthy(metrics, store, served):
    poll_once(metrics, store)
    assert get(f"{served}healthz") == (200, "text/plain; charset=utf-8", "ok\n")
    status, kind, body = get(f"{served}healthz", Accept="application/json")
    facts = {"well": True, "reasons": [], "next_slots": {"timesca": "2025-11-14T12:15:00Z"}}
    assert (status, kind, json.loads(body)) == (200, "application/json", facts)


def test_health_lists_every_reason(metrics, store, clock, served):
    poll_once(metrics, store)
    metrics.started([*PLANS, ScheduledSource(replace(SOURCE, id="another"), Every(QUARTER))])
    clock.at = NOON + 4 * QUARTER
    reasons = ["timesca: no successful poll since 2025-11-14T12:00:00Z", "another: no recent successful poll"]
    assert get(f"{served}healthz") == (503, "text/plain; charset=utf-8", "".join(f"{reason}\n" for reason in reasons))
    facts = json.loads(get(f"{served}healthz", Accept="application/json")[2])
    assert (facts["well"], facts["reasons"]) == (False, reasons)


def test_offset_of_the_clock_is_that_of_each_sources_last_answer(metrics, served):
    metrics.clock_compared("timesca", compared(timedelta(seconds=-95)))
    metrics.clock_compared("timesca", compared(None))
    assert 'fxticker_clock_offset_seconds{source="timesca"} -95.0' in get(f"{served}metrics")[2]


def test_offset_of_the_clock_before_it_was_set_is_not_exported(metrics, served):
    metrics.clock_compared("timesca", compared(timedelta(hours=3)))
    metrics.clock_jumped(timedelta(hours=-3))
    assert "fxticker_clock_offset_seconds{" not in get(f"{served}metrics")[2]


def test_offset_by_a_source_that_is_no_longer_polled_is_not_exported(metrics, served):
    metrics.clock_compared("timesca", compared(timedelta(hours=3)))
    metrics.started([ScheduledSource(replace(SOURCE, id="another"), Every(QUARTER))])
    assert "fxticker_clock_offset_seconds{" not in get(f"{served}metrics")[2]


def test_wrong_clock_is_a_reason_until_it_is_right(metrics, store, served):
    poll_once(metrics, store)
    metrics.clock_compared("timesca", compared(timedelta(hours=3), Trust.AHEAD, remark="the clock is wrong"))
    assert get(f"{served}healthz")[::2] == (503, "the clock is wrong\n")
    metrics.clock_compared("timesca", compared(timedelta(0)))
    assert get(f"{served}healthz")[0] == 200


def compared(offset, trust=Trust.CONFIRMED, remark=None):
    return ClockComparison(trust, NOON, NOON, offset, remark)


def test_daemon_without_heartbeat_is_not_healthy(store, clock):
    metrics = Metrics(store=store, clock=clock, max_beat_age_s=-1)
    metrics.started([])
    with MetricsServer(metrics, ANY_PORT) as server:
        assert get(f"{server.url}healthz")[0] == 200
        metrics.beat(NOON)
        assert get(f"{server.url}healthz")[2] == "the daemon hangs: no heartbeat for 0 s\n"
