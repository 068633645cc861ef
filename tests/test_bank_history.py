import json
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from builders import FixedClock, cases, tick
from click.testing import CliRunner
from processes import run
from servers import RawServer, fetched

import fxticker as fx
from fxticker.backfill.bank_history import backfill, spans_of, store_constant, stored_days
from fxticker.backfill.known_absent import absent_days, record_absent_days
from fxticker.cli.backfill import backfill as command
from fxticker.errors import BadStatus, DamagedPage, Disallowed, OtherDate, StoreError, Unreachable
from fxticker.fetch.client import Response
from fxticker.fetch.throttle import Throttle
from fxticker.model.records import Origin, PrintedTick, Snapshot, TimeBasis
from fxticker.sources.registry import known_sources
from fxticker.sources.source import History, Source
from fxticker.store.store import Store

CASES = cases("bank_history")
PAYLOADS = Path(__file__).parent / "payloads"
HTML = frozenset(["text/plain"])
NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
JUNE = (date(2026, 6, 1), date(2026, 6, 10))
NOT_THERE = BadStatus("status 404 Not Found", http_status=404)


def days(*numbers):
    return [date(2026, 6, number) for number in numbers]


def read(body, headers, first, last):
    """Lines such as `2026-06-01 12194.21`; `other` with a day is an answer for that one, `fault` meets a fault."""
    if body.startswith(b"other "):
        raise OtherDate(f"{first}", date.fromisoformat(body[6:].decode()))
    if body == b"fault":
        return {}["figures"]
    if body == b"damaged":
        raise DamagedPage("no such format")
    rows = [line.split() for line in body.decode().splitlines()]
    return [Snapshot((PrintedTick("USD/UZS", rate, None),), date.fromisoformat(day), 1) for day, rate in rows]


def source(span_days, pause_s=2.0):
    history = History(
        since=date(2026, 1, 1),
        span_days=span_days,
        path=lambda first, last: f"{first}/{last}",
        media_types=HTML,
        parse=read,
        pause_s=pause_s,
    )
    return Source(
        id="bank",
        url="https://bank.test/rates/",
        every="6h",
        terms_url=None,
        media_types=HTML,
        stale_after_days=3,
        parse=lambda body, headers: Snapshot((), None, 1),
        history=history,
    )


class Bank:
    """Answers with `answers` first, then from `rates` by day; `requests` are the paths."""

    def __init__(self, rates, *answers):
        self.rates = rates
        self.answers = list(answers)
        self.requests = []

    def __call__(self, url, *, media_types, conditions=None):
        path = url.removeprefix("https://bank.test/rates/")
        self.requests.append(path)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        first, last = map(date.fromisoformat, path.split("/"))
        rows = [f"{day} {rate}" for day, rate in self.rates.items() if first <= day <= last]
        if answer is None and first == last and not rows:
            raise NOT_THERE
        return Response("\n".join(rows).encode() if answer is None else answer, {}, 200, 1)


def throttle(slept):
    return Throttle(clock=FixedClock(NOW), sleep=slept.append)


JUNE_RATES = {date(2026, 6, day): f"120{day:02}.5" for day in (1, 2, 3, 4, 5, 8, 9, 10)}


@pytest.fixture
def slept():
    """Pauses between requests, in seconds."""
    return []


def fill(store, bank, slept, span_days=1, span=JUNE, of=None, **options):
    bank_source = of or source(span_days)
    options |= {"clock": FixedClock(NOW), "throttle": throttle(slept)}
    return backfill(bank_source, bank_source.history, first=span[0], last=span[1], fetch=bank, store=store, **options)


# What is stored, and what is asked for


@pytest.mark.parametrize("span_days", [1, 4, 366])
def test_each_day_with_rates_is_stored_as_printed_at_midnight(store, slept, span_days):
    summary = fill(store, Bank(JUNE_RATES), slept, span_days)
    assert (summary.days, summary.known, summary.filled, summary.absent) == (10, 0, 8, 2)
    assert (summary.added, summary.refused, summary.stopped) == (8, [], None)
    rows = fx.load(store)
    assert rows["observed_at"].iloc[0] == datetime(2026, 6, 1, tzinfo=UTC)
    assert list(rows["rate_text"])[:2] == ["12001.5", "12002.5"]
    assert set(rows["time_basis"]) == {"date"}
    assert set(rows["origin"]) == {"archive"}
    assert str(rows["source_date"].iloc[0])[:10] == "2026-06-01"


def test_daily_history_is_requested_by_day_and_range_history_by_span(store, tmp_path, slept):
    by_day, by_range = Bank(JUNE_RATES), Bank(JUNE_RATES)
    fill(store, by_day, slept, 1, (date(2026, 6, 1), date(2026, 6, 3)))
    assert by_day.requests == ["2026-06-01/2026-06-01", "2026-06-02/2026-06-02", "2026-06-03/2026-06-03"]
    fill(Store(tmp_path / "other"), by_range, slept, 4)
    assert by_range.requests == ["2026-06-01/2026-06-04", "2026-06-05/2026-06-08", "2026-06-07/2026-06-10"]


@pytest.mark.parametrize("span_days", [1, 4])
def test_second_run_makes_no_request(store, slept, span_days):
    fill(store, Bank(JUNE_RATES), slept, span_days)
    again = Bank(JUNE_RATES)
    summary = fill(store, again, slept, span_days)
    assert again.requests == []
    assert (summary.known, summary.requests, summary.filled, summary.added) == (10, 0, 0, 0)


def test_longer_span_requests_only_missing_days(store, slept):
    fill(store, Bank(JUNE_RATES), slept)
    bank = Bank({date(2026, 5, 31): "11999.5", **JUNE_RATES, date(2026, 6, 11): "12011.5"})
    summary = fill(store, bank, slept, span=(date(2026, 5, 31), date(2026, 6, 11)))
    assert bank.requests == ["2026-05-31/2026-05-31", "2026-06-11/2026-06-11"]
    assert (summary.known, summary.filled, summary.added) == (10, 2, 2)


def test_days_before_the_history_begins_are_not_requested(store, slept):
    bank = Bank({date(2026, 1, 1): "1.5"})
    assert fill(store, bank, slept, 366, (date(2025, 1, 1), date(2026, 1, 1))).days == 1
    assert bank.requests == ["2026-01-01/2026-01-01"]
    assert fill(store, Bank({}), slept, 366, (date(2025, 1, 1), date(2025, 2, 1))).days == 0


def test_far_future_is_not_requested(store, slept):
    bank = Bank({})
    assert fill(store, bank, slept, span=(date(2026, 7, 2), date.max)).days == 2
    assert bank.requests == ["2026-07-02/2026-07-02", "2026-07-03/2026-07-03"]
    assert fill(store, bank, slept, span=(date.max, date.max)).days == 0


def test_live_tick_does_not_count_as_history_of_its_day(store, slept):
    store.append([tick("USD/UZS", "12001.5", None, datetime(2026, 6, 1, 9, tzinfo=UTC), source="bank")])
    assert stored_days(store, "bank", *JUNE) == set()
    fill(store, Bank(JUNE_RATES), slept)
    assert stored_days(store, "bank", *JUNE) == set(days(1, 2, 3, 4, 5, 8, 9, 10))


def test_spans_begin_and_end_with_a_missing_day():
    assert [list(span) for span in spans_of(days(1, 2, 9, 10, 11), 9)] == [days(1, 2, 9), days(10, 11)]
    assert list(spans_of([], 9)) == []


# Days that the source does not have


@pytest.mark.parametrize("none", [b"other 2026-06-06", b"other 2026-05-24", b"", NOT_THERE])
def test_absent_day_is_recorded_and_not_requested_again(store, slept, none):
    friday = (date(2026, 6, 7), date(2026, 6, 7))
    assert fill(store, Bank({}, none), slept, span=friday).absent == 1
    assert absent_days(store.backend, "bank") == {date(2026, 6, 7)}
    bank = Bank({})
    fill(store, bank, slept, span=friday)
    assert bank.requests == []


def test_recent_and_future_absent_days_are_requested_again(store, slept):
    summary = fill(store, Bank({}), slept, span=(date(2026, 6, 20), date(2026, 7, 2)))
    assert (summary.absent, absent_days(store.backend, "bank")) == (13, set(days(20, 21, 22)))
    bank = Bank({date(2026, 6, 23): "12023.5"})
    assert fill(store, bank, slept, span=(date(2026, 6, 20), date(2026, 6, 23))).filled == 1
    assert bank.requests == ["2026-06-23/2026-06-23"]


@pytest.mark.parametrize(
    "answer", [b"other 2026-05-29", b"2025-12-31 1.5", b"2026-06-01 1.5\n2026-06-01 1.6", b"damaged", b"fault"]
)
def test_unusable_answer_for_a_span_is_reported_and_records_no_day(store, slept, answer):
    summary = fill(store, Bank({}, answer), slept, 366)
    assert [span for span, _ in summary.refused] == ["2026-06-01 to 2026-06-10"]
    assert (summary.filled, summary.absent, absent_days(store.backend, "bank")) == (0, 0, set())


def test_unreadable_answer_does_not_stop_the_run_and_is_requested_again(store, slept):
    summary = fill(store, Bank(JUNE_RATES, b"damaged"), slept)
    assert summary.refused == [("2026-06-01", "no such format")]
    assert (summary.filled, summary.stopped) == (7, None)
    bank = Bank(JUNE_RATES)
    assert fill(store, bank, slept).filled == 1
    assert bank.requests == ["2026-06-01/2026-06-01"]


def test_three_unreadable_answers_in_a_row_end_the_run(store, slept):
    bank = Bank(JUNE_RATES, None, b"damaged", b"damaged", b"damaged")
    summary = fill(store, bank, slept)
    assert summary.stopped == "3 answers in a row could not be used"
    assert (len(bank.requests), summary.filled) == (4, 1)


@pytest.mark.parametrize("answered", ["2026-06-30", "2026-06-08", "2026-06-07", "2026-05-23", "2025-06-07"])
def test_answer_for_a_later_or_much_earlier_day_does_not_record_the_day(store, slept, answered):
    sunday = (date(2026, 6, 7), date(2026, 6, 7))
    summary = fill(store, Bank({}, f"other {answered}".encode()), slept, span=sunday)
    assert summary.refused == [("2026-06-07", f"asked for 2026-06-07, answered for {answered}")]
    assert (summary.absent, absent_days(store.backend, "bank")) == (0, set())


def test_source_that_always_sends_the_list_of_today_ends_the_run(store, slept):
    bank = Bank({}, *[b"other 2026-06-30"] * 10)
    summary = fill(store, bank, slept)
    assert (summary.stopped, len(bank.requests)) == ("3 answers in a row could not be used", 3)
    assert (summary.absent, absent_days(store.backend, "bank")) == (0, set())


def test_source_that_stands_still_records_no_absent_days(store, slept):
    bank = Bank({}, *[b"other 2026-04-30"] * 30)
    summary = fill(store, bank, slept, span=(date(2026, 5, 1), date(2026, 5, 31)))
    assert (summary.stopped, bank.requests[-1]) == ("3 answers in a row could not be used", "2026-05-17/2026-05-17")
    assert (summary.absent, absent_days(store.backend, "bank")) == (0, set())


@pytest.mark.parametrize("none", [b"", NOT_THERE])
def test_more_absent_days_than_any_holidays_end_the_run_unrecorded(store, slept, none):
    bank = Bank({date(2026, 4, 9): "12009.5", date(2026, 4, 12): "12012.5"}, None, None, None, None, *[none] * 30)
    summary = fill(store, bank, slept, span=(date(2026, 4, 9), date(2026, 6, 10)))
    assert summary.stopped == (
        "no rates for 21 days in a row, up to 2026-05-03: longer than any holidays, so these days are not recorded as "
        "absent"
    )
    assert bank.requests[-1] == "2026-05-03/2026-05-03"
    assert (summary.filled, summary.absent) == (2, 2)
    assert absent_days(store.backend, "bank") == {date(2026, 4, 10), date(2026, 4, 11)}


def test_empty_answer_for_a_long_span_is_not_recorded(store, slept):
    summary = fill(store, Bank({}, b""), slept, 366, (date(2026, 5, 1), date(2026, 6, 10)))
    assert (summary.absent, absent_days(store.backend, "bank")) == (0, set())
    assert "no rates for 21 days in a row, up to 2026-06-10" in summary.stopped


def test_twenty_absent_days_are_recorded_once_later_rates_arrive(store, slept):
    rates = {date(2026, 5, 1): "12001.5", date(2026, 5, 22): "12022.5"}
    summary = fill(store, Bank(rates), slept, span=(date(2026, 5, 1), date(2026, 5, 22)))
    assert (summary.filled, summary.absent, summary.stopped) == (2, 20, None)
    assert len(absent_days(store.backend, "bank")) == 20


def test_absent_days_add_up_over_runs(store, slept):
    for begin, end in [(1, 7), (8, 14), (15, 20)]:
        assert fill(store, Bank({}), slept, span=(date(2026, 5, begin), date(2026, 5, end))).stopped is None
    summary = fill(store, Bank({}), slept, span=(date(2026, 5, 21), date(2026, 5, 27)))
    assert "up to 2026-05-21" in summary.stopped
    assert max(absent_days(store.backend, "bank")) == date(2026, 5, 20)


def test_weekends_between_stored_days_do_not_add_up(store, slept, tmp_path):
    begin = date(2026, 1, 1)
    working = [begin + timedelta(number) for number in range(120) if (begin + timedelta(number)).weekday() < 5]
    span = (working[0], working[-1])
    rates = dict.fromkeys(working, "12001.5")
    assert fill(store, Bank(rates), slept, span=span).absent == 34
    (tmp_path / "parquet" / "asked" / "bank.json").unlink()
    summary = fill(store, Bank(rates), slept, span=span)
    assert (summary.requests, summary.absent, summary.stopped) == (34, 34, None)
    assert len(absent_days(store.backend, "bank")) == 34


def test_short_span_is_requested_with_the_days_before_it(store, slept):
    class Page(Bank):
        def __call__(self, url, **options):
            answer = super().__call__(url, **options)
            return answer if answer.body else replace(answer, body=b"damaged")

    may = {date(2026, 5, 28): "12028.5", date(2026, 5, 29): "12029.5"}
    fill(store, Page(may), slept, 31, (date(2026, 5, 29), date(2026, 5, 29)))
    bank = Page(may)
    summary = fill(store, bank, slept, 31, (date(2026, 6, 6), date(2026, 6, 7)))
    assert bank.requests == ["2026-05-08/2026-06-07"]
    assert (summary.refused, summary.absent, summary.filled, summary.already) == ([], 2, 0, 2)
    assert absent_days(store.backend, "bank") == set(days(6, 7))


def test_parser_error_is_reported_and_logged(store, slept, caplog):
    summary = fill(store, Bank(JUNE_RATES, b"fault"), slept)
    assert summary.refused == [("2026-06-01", "KeyError: see the log")]
    assert (summary.filled, summary.stopped) == (7, None)
    assert "bank: parser failed on the answer for 2026-06-01 to 2026-06-01" in caplog.text
    assert "Traceback" in caplog.text
    assert fill(store, Bank({}, *[b"fault"] * 3), slept, span=(date(2026, 5, 1), date(2026, 5, 9))).stopped


# The record of such days


def test_absent_days_are_recorded_beside_the_tables_as_spans(store, tmp_path):
    record_absent_days(store.backend, "bank", days(6, 7))
    record_absent_days(store.backend, "bank", days(8, 14))
    written = json.loads((tmp_path / "parquet" / "asked" / "bank.json").read_text())
    assert written == {"version": 1, "days": [["2026-06-06", "2026-06-08"], ["2026-06-14", "2026-06-14"]]}
    assert absent_days(store.backend, "bank") == set(days(6, 7, 8, 14))
    assert absent_days(store.backend, "other") == set()


@pytest.mark.parametrize(
    "text", [*CASES["damaged_record_is_an_error_that_names_the_file"], "[" * 100_000, " " * 4_000_001]
)
def test_damaged_record_is_an_error_that_names_the_file(store, slept, tmp_path, text):
    file = tmp_path / "parquet" / "asked" / "bank.json"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    with pytest.raises(StoreError, match=r"asked/bank\.json.*deleted"):
        fill(store, Bank({}), slept)


def test_full_record_stays_unchanged_and_is_named(store):
    record_absent_days(store.backend, "bank", days(6))
    with pytest.raises(StoreError, match=r"asked/bank\.json: 78 bytes would be more than 70"):
        record_absent_days(store.backend, "bank", days(6, 14), max_bytes=70)
    assert absent_days(store.backend, "bank") == set(days(6))


def test_store_with_a_record_passes_its_check(store, slept):
    fill(store, Bank(JUNE_RATES), slept)
    assert store.check() == []
    assert len(fx.load(store)) == 8


# Manners


def test_requests_are_separated_by_a_pause(store, slept):
    fill(store, Bank(JUNE_RATES), slept, span=(date(2026, 6, 1), date(2026, 6, 3)))
    assert slept == [2.0, 2.0]


def test_failed_request_is_retried_after_a_pause(store, slept):
    summary = fill(store, Bank(JUNE_RATES, Unreachable("reset")), slept, 366)
    assert (summary.filled, summary.requests, summary.stopped) == (8, 2, None)
    assert sum(slept) == 10


@pytest.mark.parametrize(
    ("retry_after", "waited_s"), [("30", 30), ("Tue, 30 Jun 2026 12:05:00 GMT", 300), ("soon", 60)]
)
def test_retry_after_of_a_refusal_is_respected(store, slept, retry_after, waited_s):
    refusal = BadStatus("status", http_status=429, retry_after=retry_after)
    assert fill(store, Bank(JUNE_RATES, refusal), slept, 366).filled == 8
    assert sum(slept) == waited_s


def test_long_retry_after_ends_the_run(store, slept):
    refusal = BadStatus("status 503 Unavailable", http_status=503, retry_after="3600")
    bank = Bank(JUNE_RATES, None, refusal)
    summary = fill(store, bank, slept)
    assert summary.stopped == "status 503 Unavailable; the server asked for a pause of 3600 s"
    assert (len(bank.requests), summary.filled, len(fx.load(store))) == (2, 1, 1)


def test_repeated_refusals_end_the_run_and_keep_stored_days(store, slept):
    refusal = BadStatus("status 429 Too Many Requests", http_status=429)
    bank = Bank(JUNE_RATES, None, None, refusal, refusal, refusal)
    summary = fill(store, bank, slept)
    assert summary.stopped == "status 429 Too Many Requests; given up after 3 tries in a row"
    assert (len(bank.requests), summary.filled, len(fx.load(store))) == (5, 2, 2)
    assert sum(slept) == 2 + 2 + 60 + 120
    again = Bank(JUNE_RATES)
    assert fill(store, again, slept).filled == 6
    assert again.requests[0] == "2026-06-03/2026-06-03"


@pytest.mark.parametrize("error", [BadStatus("status 403", http_status=403), Disallowed("robots.txt")])
def test_final_refusal_ends_the_run_at_once(store, slept, error):
    bank = Bank(JUNE_RATES, None, error)
    summary = fill(store, bank, slept)
    assert (len(bank.requests), summary.filled, summary.stopped) == (2, 1, str(error))


def test_missing_page_of_a_range_ends_the_run(store, slept):
    summary = fill(store, Bank(JUNE_RATES, NOT_THERE), slept, 366)
    assert (summary.absent, summary.stopped) == (0, "status 404 Not Found")


def test_day_on_which_the_server_always_fails_does_not_end_the_run(store, slept):
    failure = BadStatus("status 500", http_status=500)
    summary = fill(store, Bank(JUNE_RATES, failure, failure, failure), slept)
    assert [span for span, _ in summary.refused] == ["2026-06-01"]
    assert (summary.filled, summary.stopped) == (7, None)


def test_interrupted_run_stores_the_answers_so_far(store, slept):
    class Interrupted(Bank):
        def __call__(self, url, **options):
            if len(self.requests) == 3:
                raise KeyboardInterrupt
            return super().__call__(url, **options)

    with pytest.raises(KeyboardInterrupt):
        fill(store, Interrupted(JUNE_RATES), slept)
    assert stored_days(store, "bank", *JUNE) == set(days(1, 2, 3))


def test_progress_counts_missing_days(store, slept):
    counts = []
    fill(store, Bank(JUNE_RATES), slept, 4, progress=lambda done, of: counts.append((done, of)))
    assert counts == [(0, 10), (4, 10), (8, 10), (10, 10)]


def test_ticks_are_written_month_by_month(store, slept):
    writes = []
    append = store.append
    store.append = lambda ticks: writes.append(len(ticks)) or append(ticks)
    rates = {date(2026, 4, 1) + timedelta(number): "12001.5" for number in range(61)}
    fill(store, Bank(rates), slept, span=(date(2026, 4, 1), date(2026, 5, 31)))
    assert writes == [30, 31]


# Constants


def test_constant_is_stored_once(store):
    peg = SimpleNamespace(id="tmt-peg", pair="USD/TMT", rate_text="3.5", since=date(2015, 1, 1))
    assert store_constant(peg, store).added == 1
    assert store_constant(peg, store).added == 0
    [row] = fx.load(store).to_dict("records")
    assert (row["pair"], row["rate"], row["rate_text"], row["nominal"]) == ("USD/TMT", 3.5, "3.5", 1)
    assert (row["origin"], row["time_basis"]) == (Origin.CONSTANT, TimeBasis.DATE)
    assert row["observed_at"] == datetime(2015, 1, 1, tzinfo=UTC)


# The command


def run_command(*arguments):
    return CliRunner().invoke(command, [*map(str, arguments)])


def serving(status=b"200 OK"):
    body = CASES["nbt_answer"].encode()
    head = b"HTTP/1.1 %b\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
    return RawServer(lambda exchange: exchange.send(head + body))


def configured(tmp_path, text):
    file = tmp_path / "config.toml"
    file.write_text(f'[store]\npath = "parquet"\n{text}')
    return file


def test_command_fills_a_span_from_the_configured_host(tmp_path):
    with serving() as server:
        config = configured(tmp_path, f'[sources.nbt]\nenabled = false\nurl = "{server.url}kurs/export_xml.php"\n')
        shown = run_command("nbt", "--start", "2025-01-20", "--end", "2025-01-21", "--config", config)
    assert shown.exit_code == 0, shown.output
    assert shown.stdout == (
        "nbt: 2 days, 0 known before; 1 requests: 2 days filled, 0 the source does not have, 0 answers refused; "
        "2 rows added, 0 already there\n"
    )
    assert server.requests[1].startswith("GET /kurs/export_xml_dynamic.php?d1=2024-01-22&d2=2025-01-21&cn=840")
    assert list(fx.load(tmp_path / "parquet")["rate_text"]) == ["10.9163", "10.9189"]


def test_command_reports_why_it_stopped_and_exits_with_1(tmp_path):
    with serving(b"403 Forbidden") as server:
        config = configured(tmp_path, f'[sources.nbt]\nurl = "{server.url}"\n')
        shown = run_command("nbt", "--start", "2025-01-20", "--end", "2025-01-22", "--config", config)
    assert shown.exit_code == 1, shown.output
    assert "stopped: status 403 Forbidden; what came is stored" in shown.stderr


def test_command_stores_a_constant(tmp_path):
    shown = run_command("tmt-peg", "--store", tmp_path / "parquet")
    assert shown.exit_code == 0, shown.output
    assert shown.stdout == "tmt-peg: USD/TMT = 3.5 since 2015-01-01: 1 rows added, 0 already there\n"


@pytest.mark.parametrize(("arguments", "message"), CASES["wrong_usage_is_reported"])
def test_wrong_usage_is_reported(tmp_path, arguments, message):
    shown = run_command(*arguments, "--store", tmp_path / "parquet")
    assert shown.exit_code == 2
    assert message in " ".join(shown.stderr.split())


TERMINATED = """
import os, signal, sys
from fxticker.cli import main
import fxticker.fetch.robots
class Bank:
    def __init__(self, fetch): self.requests = 0
    def stop(self): pass
    def __call__(self, url, *, media_types, conditions=None):
        from fxticker.fetch.client import Response
        self.requests += 1
        if self.requests == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        day = url.rstrip("/").rsplit("/", 1)[1]
        return Response(ANSWER.replace("DAY", f"{day[8:]}.{day[5:7]}.{day[:4]}").encode(), {}, 200, 1)
ANSWER = '[{"Ccy": "USD", "Rate": "12194.21", "Nominal": "1", "Diff": "0", "Date": "DAY"}]'
fxticker.fetch.robots.RobotsFetcher = Bank
import fxticker.fetch.throttle
fxticker.fetch.throttle.Throttle.__init__.__kwdefaults__["sleep"] = lambda seconds: None
sys.argv = ["fxticker", "backfill", "cbu", "--start", "2025-01-06", "--end", "2025-01-11", "--store", sys.argv[1]]
main()
"""


def test_answers_before_sigterm_are_stored_and_reported(tmp_path):
    done = run([sys.executable, "-c", TERMINATED, tmp_path / "parquet"], cwd=tmp_path)
    assert done.returncode == 143
    assert "2 days filled" in done.stdout
    assert len(fx.load(tmp_path / "parquet")) == 2


@pytest.mark.parametrize("name", ["cbu", "nbk", "nbkr", "nbt", "fawazahmed0", "cbr"])
def test_paths_of_each_source_stay_on_its_host(slept, name):
    bank = Bank({}, Disallowed("stop"))
    moved = replace(known_sources()[name], url="https://bank.test/rates/")
    fill(Store("/nonexistent/never-written"), bank, slept, span=(date(2026, 6, 1), date(2026, 6, 1)), of=moved)
    assert not bank.requests[0].startswith(("http:", "//")) or bank.requests[0].startswith("https://bank.test/")


def test_mismatched_printed_difference_is_stored_and_reported(store, slept):
    """CBU's USD of 2026-04-01 and 2026-04-02, the second with another difference than the bank's own -52.11."""
    bodies = {date(2026, 4, day): (PAYLOADS / f"cbu_all_2026-04-0{day}.json").read_bytes() for day in (1, 2)}
    bodies[date(2026, 4, 2)] = bodies[date(2026, 4, 2)].replace(b'"-52.11"', b'"-25.11"')

    def fetch(url, *, media_types, conditions=None):
        [day] = [day for day in bodies if str(day) in url]
        return Response(bodies[day], {}, 200, 1)

    summary = fill(store, fetch, slept, span=tuple(bodies), of=known_sources()["cbu"])
    assert summary.filled == 2
    assert summary.remarks == [("2026-04-02", "the printed difference is not that of the rates: USD/UZS")]


def test_what_could_not_be_read_of_a_past_day_is_named(tmp_path):
    body = (
        Path(__file__).with_name("payloads").joinpath("cbr_daily_2026-04-25.xml").read_bytes().replace(b"62,8322", b"?")
    )
    cbr, day = known_sources()["cbr"], date(2026, 4, 25)
    summary = backfill(
        cbr,
        cbr.history,
        first=day,
        last=day,
        fetch=lambda url, *, media_types, conditions=None: fetched(body),
        store=Store(tmp_path),
        clock=FixedClock(NOW),
        throttle=throttle([]),
    )
    assert summary.remarks == [("2026-04-25", "not read: UZS/RUB: not a number: '?'")]
    assert (summary.filled, summary.added) == (1, 5)
