import gzip
import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from archive_server import ArchivedPage, ArchiveServer, warc_record
from builders import NOON, FixedClock, cases
from click.testing import CliRunner

import fxticker as fx
from fxticker.backfill import commoncrawl, wayback
from fxticker.backfill.archive import backfill_from_archive
from fxticker.backfill.cdx import is_page_of, read_stamp, site_of
from fxticker.backfill.commoncrawl import CommonCrawl, read_crawls
from fxticker.backfill.known_absent import empty_captures, record_empty_captures
from fxticker.backfill.response_cache import ResponseCache
from fxticker.backfill.wayback import Wayback
from fxticker.cli.backfill import backfill as command
from fxticker.errors import ParseError, StoreError
from fxticker.fetch.client import Fetcher
from fxticker.fetch.throttle import Throttle
from fxticker.simulation.captures import read_captures
from fxticker.simulation.site import render_html
from fxticker.sources.timesca.page import SOURCE

CASES = cases("archive")
PAYLOADS = Path(__file__).parent / "payloads"
ALL_TIME = (date(1990, 1, 1), date(2030, 1, 1))
THE_8TH, THE_13TH = (capture.ticks for capture in read_captures()[:2])
EMPTY = b"<html><body>No ticker here</body></html>"


def archived(stamp, ticks=THE_8TH, url="https://timesca.com/", **changes):
    body = ticks if isinstance(ticks, bytes) else render_html(ticks, None).encode()
    return ArchivedPage(stamp, url, body, **changes)


JULY = archived("20250708101112", THE_8TH)
AUGUST = archived("20250804145408", THE_13TH, "https://timesca.com/category/kyrgyzstan/?page=2")


@pytest.fixture
def fetcher():
    with Fetcher(timeout_s=10, max_bytes=1_000_000, user_agent="fxticker-test (loopback)") as client:
        yield client


def throttle(slept=None, clock=None):
    return Throttle(clock=clock or FixedClock(), sleep=(slept if slept is not None else []).append)


def wayback_at(url, fetcher, slept=None):
    return Wayback(url, fetcher=fetcher, throttle=throttle(slept), max_bytes=1_000_000)


def commoncrawl_at(url, fetcher, slept=None, clock=None, cache=None):
    options = {"throttle": throttle(slept, clock), "max_bytes": 1_000_000, "cache": cache}
    return CommonCrawl(url, url, fetcher=fetcher, **options)


@pytest.fixture(params=[wayback_at, commoncrawl_at], ids=["wayback", "commoncrawl"])
def archive_at(request, fetcher):
    """Makes an archive at a URL; `slept` receives its pauses in seconds."""
    return lambda url, slept=None: request.param(url, fetcher, slept)


def fill(archive, store, first=date(2025, 7, 1), last=date(2025, 8, 31), **options):
    return backfill_from_archive(SOURCE, archive, first=first, last=last, store=store, **options)


# What is stored


def test_each_capture_is_stored_at_its_capture_time(archive_at, store):
    with ArchiveServer(JULY, AUGUST) as server:
        summary = fill(archive_at(server.url), store)
    assert (summary.listed, summary.read, summary.empty, summary.refused) == (2, 2, 0, 0)
    assert (summary.added, summary.stopped) == (10, None)
    rows = fx.load(store)
    assert [f"{at} {pair} {rate}" for at, pair, rate in rows[["observed_at", "pair", "rate_text"]].values[::5]] == [
        "2025-07-08 10:11:12+00:00 KGS/USD 0.01188",
        "2025-08-04 14:54:08+00:00 KGS/USD 0.01185",
    ]
    assert (set(rows["origin"]), set(rows["time_basis"])) == ({"archive"}, {"capture"})


def test_second_run_requests_only_the_index(archive_at, store):
    with ArchiveServer(JULY, archived("20250709101112", EMPTY), AUGUST) as server:
        assert fill(archive_at(server.url), store).empty == 1
        server.requests.clear()
        summary = fill(archive_at(server.url), store)
        assert (summary.listed, summary.known, summary.read, summary.added) == (3, 3, 0, 0)
        assert server.requested("/web/") == server.requested("/crawl-data/") == []


def test_one_ticker_per_hour_is_stored_and_captures_without_one_are_skipped(archive_at, store):
    captures = [
        archived("20250708100000", EMPTY, "https://timesca.com/a"),
        archived("20250708101112", THE_8TH, "https://timesca.com/b"),
        archived("20250708105959", THE_13TH, "https://timesca.com/c"),
        archived("20250708110000", THE_13TH, "https://timesca.com/d"),
    ]
    with ArchiveServer(*captures) as server:
        summary = fill(archive_at(server.url), store)
    assert (summary.read, summary.empty, summary.known) == (2, 1, 1)
    assert [f"{at:%H:%M:%S}" for at in sorted(set(fx.load(store)["observed_at"]))] == ["10:11:12", "11:00:00"]


def test_only_pages_of_the_site_and_the_span_are_requested(archive_at, store):
    captures = [
        archived("20250708100000", url="https://example.org/"),
        archived("20250708110000", url="https://timesca.com.example.org/"),
        archived("20250708120000", mime="image/png"),
        archived("20250708130000", status="404"),
        archived("20250720100000"),
        AUGUST,
    ]
    with ArchiveServer(*captures) as server:
        summary = fill(archive_at(server.url), store, date(2025, 7, 8), date(2025, 7, 19))
        assert (summary.listed, summary.read) == (0, 0)
        assert fill(archive_at(server.url), store, date(2025, 7, 20), date(2025, 7, 20)).read == 1


def test_captures_without_a_ticker_are_recorded_beside_the_tables(store, tmp_path, fetcher):
    with ArchiveServer(archived("20250708101112", EMPTY), archived("20250709101112", b"")) as server:
        fill(wayback_at(server.url, fetcher), store)
    written = json.loads((tmp_path / "parquet" / "asked" / "timesca.wayback.json").read_text())
    assert written == {"version": 1, "captures": ["20250708101112", "20250709101112"]}
    assert empty_captures(store.backend, "timesca", "commoncrawl") == set()


@pytest.mark.parametrize("text", ['{"captures": ["2025"]}', '{"captures": [5]}', '{"captures": {}}', "nothing"])
def test_damaged_record_of_empty_captures_is_named(store, tmp_path, fetcher, text):
    (tmp_path / "parquet" / "asked").mkdir(parents=True)
    (tmp_path / "parquet" / "asked" / "timesca.wayback.json").write_text(text)
    with pytest.raises(StoreError, match=r"asked/timesca\.wayback\.json"):
        fill(wayback_at("http://127.0.0.1:9/", fetcher), store)


def test_full_record_of_empty_captures_is_named_and_stays_unchanged(store):
    record_empty_captures(store.backend, "timesca", "wayback", ["20250708101112"])
    with pytest.raises(StoreError, match=r"asked/timesca\.wayback\.json: 60 bytes would be more than 50"):
        record_empty_captures(store.backend, "timesca", "wayback", ["20250709101112"], max_bytes=50)
    assert empty_captures(store.backend, "timesca", "wayback") == {"20250708101112"}


def test_any_span_can_be_requested(archive_at, store):
    with ArchiveServer(JULY) as server:
        assert fill(archive_at(server.url), store, date.min, date.max).read == 1
        assert all("from=1996" in path for path in server.requested("/cdx/"))


def test_progress_counts_captures(archive_at, store):
    counts = []
    with ArchiveServer(JULY, archived("20250709101112")) as server:
        fill(archive_at(server.url), store, progress=lambda done, of: counts.append((done, of)))
    assert counts[-1] == (2, 2)


# Manners


def test_requests_for_index_and_captures_are_separated_by_pauses(archive_at, store):
    slept = []
    with ArchiveServer(JULY, AUGUST) as server:
        summary = fill(archive_at(server.url, slept), store)
    assert len(slept) == summary.requests - 1
    assert min(slept) >= 1.0
    assert all(pause_s >= 0.55 for pause_s in slept)
    assert wayback.INDEX_PAUSE_S >= 60 / 24
    assert commoncrawl.INDEX_PAUSE_S >= 60 / 24


def refusal(status, **fields):
    return status, {name.replace("_", "-"): value for name, value in fields.items()}, b""


def test_repeated_refusals_end_the_run_and_the_next_run_continues(archive_at, store):
    slept = []
    with ArchiveServer(JULY, archived("20250709101112"), archived("20250710101112")) as server:
        archive = archive_at(server.url, slept)
        page, count = archive.page, []

        def second_page_is_refused(capture, media_types):
            if len(count) == 1:
                server.answers += [refusal(429)] * 3
            count.append(capture)
            return page(capture, media_types)

        archive.page = second_page_is_refused
        summary = fill(archive, store)
        assert "status 429" in summary.stopped
        assert "given up after 3 tries" in summary.stopped
        assert (summary.read, summary.added, len(fx.load(store))) == (1, 5, 5)
        assert sum(slept) >= 180
        assert fill(archive_at(server.url), store).read == 2


def test_refused_index_is_reported(archive_at, store):
    with ArchiveServer(JULY) as server:
        server.answers = [refusal(503, retry_after="7200")]
        summary = fill(archive_at(server.url), store)
        assert "asked for a pause of 7200 s" in summary.stopped
        assert len(server.requests) == 1


def test_retry_after_of_an_archive_is_respected(archive_at, store):
    slept = []
    with ArchiveServer(JULY) as server:
        server.answers = [refusal(429, retry_after="45")]
        assert fill(archive_at(server.url, slept), store).read == 1
    assert slept[0] + slept[1] == 45


@pytest.mark.parametrize("status", [403, 408])
def test_archive_that_refuses_the_client_ends_the_run(store, fetcher, status):
    with ArchiveServer(JULY) as server:
        server.answers = [refusal(status)] * 3
        assert f"status {status}" in fill(wayback_at(server.url, fetcher), store).stopped


def test_undelivered_capture_is_reported_and_the_run_continues(store, fetcher):
    with ArchiveServer(JULY, AUGUST) as server:
        archive = wayback_at(server.url, fetcher)
        server.memento = datetime(2025, 8, 4, 14, 54, 8, tzinfo=UTC)
        summary = fill(archive, store)
    assert (summary.read, summary.refused, summary.stopped) == (1, 1, None)
    assert summary.named == [
        ("20250708101112 https://timesca.com/", "the archive delivered the capture of 2025-08-04T14:54:08Z instead")
    ]


@pytest.mark.parametrize("answer", [refusal(404), refusal(302, location="/web/2020id_/x"), refusal(500)])
def test_failed_capture_does_not_end_the_run(store, fetcher, answer):
    with ArchiveServer(JULY, AUGUST) as server:
        archive = wayback_at(server.url, fetcher)
        listed = list(archive.listings("timesca.com", *ALL_TIME))
        archive.listings = lambda *_span: listed
        server.answers = [answer] * (3 if answer[0] == 500 else 1)
        summary = fill(archive, store)
    assert (summary.read, summary.refused, summary.stopped) == (1, 1, None)


# The Wayback Machine


def test_index_is_read_by_resume_keys(store, fetcher):
    with ArchiveServer(*(archived(f"202507{day:02}101112") for day in range(1, 8))) as server:
        server.rows_per_answer = 3
        summary = fill(wayback_at(server.url, fetcher), store)
        assert summary.listed == 7
        searches = server.requested("/cdx/search/cdx?")
    assert len(searches) == 3
    assert searches[0].endswith(
        "?url=timesca.com&matchType=domain&output=json&from=20250701&to=20250831&filter=statuscode%3A200%7C-"
        "&filter=mimetype%3Atext%2Fhtml%7Cwarc%2Frevisit&collapse=timestamp%3A10&limit=10000&showResumeKey=true"
    )
    assert searches[1].endswith("&resumeKey=x%2Cy%29%2F+3%21")


def test_recorded_answers_of_the_index_are_read():
    rows, key = wayback.read_index(
        (PAYLOADS / "wayback_cdx_output_json.json").read_bytes(), "commoncrawl.org", *ALL_TIME
    )
    assert [(f"{row.instant:%Y-%m-%d %H:%M:%S}", row.url) for row in rows] == [
        ("2008-03-28 04:14:43", "http://www.commoncrawl.org:80/"),
        ("2008-04-27 19:42:24", "http://www.commoncrawl.org:80/"),
        ("2008-06-16 14:43:43", "http://www.commoncrawl.org:80/"),
    ]
    assert key is None
    rows, key = wayback.read_index((PAYLOADS / "wayback_cdx_resume_key.json").read_bytes(), "archive.org", *ALL_TIME)
    assert (len(rows), key) == (2, "org%2Carchive%29%2F+19980109140106%21")


@pytest.mark.parametrize("body", [b"[]", b"", b"\n", b'[["timestamp","original","mimetype","statuscode"]]'])
def test_index_without_captures_is_empty(body):
    assert wayback.read_index(body, "timesca.com", *ALL_TIME) == ([], None)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>busy</html>",
        b"{}",
        b"[5]",
        b"[[5]]",
        b'[["timestamp","original"]]',
        b'[["a"],[],["' + b"k" * 4000 + b'"]]',
        b"[" * 100_000,
        b"[" + b'["a"],' * 20_000 + b'["a"]]',
    ],
)
def test_answer_that_is_no_index_is_refused(body):
    with pytest.raises(ParseError):
        wayback.read_index(body, "timesca.com", *ALL_TIME)


def test_index_with_a_circle_of_resume_keys_ends_the_run(store, fetcher):
    page = b'[["timestamp","original","mimetype","statuscode"],[],["again"]]'
    with ArchiveServer() as server:
        server.answers = [(200, {"Content-Type": "application/json"}, page)] * 5
        assert "does not end" in fill(wayback_at(server.url, fetcher), store).stopped
        assert len(server.requests) == 2


# Common Crawl


def test_each_crawl_of_the_span_is_searched_and_pieces_of_its_file_are_requested(store, fetcher):
    with ArchiveServer(AUGUST, archived("20250805101112")) as server:
        archive = commoncrawl_at(server.url, fetcher)
        assert fill(archive, store).read == 2
        assert server.requests[:3] == [
            "/collinfo.json",
            "/CC-MAIN-2025-30-index?url=timesca.com/*&output=json",
            "/CC-MAIN-2025-33-index?url=timesca.com/*&output=json",
        ]
        assert server.ranges[0].startswith("bytes=0-")


def test_list_of_crawls_is_requested_once_a_day(store, fetcher):
    with ArchiveServer(AUGUST, archived("20250805101112")) as server:
        for hours in (0, 23, 25):
            clock = FixedClock(NOON + timedelta(hours=hours))
            cache = ResponseCache(store.backend, "commoncrawl", clock)
            archive = commoncrawl_at(server.url, fetcher, clock=clock, cache=cache)
            fill(archive, store)
        assert server.requests.count("/collinfo.json") == 2
        url = f"{server.url.rstrip('/')}/collinfo.json"
    later = ResponseCache(store.backend, "commoncrawl", FixedClock(NOON + timedelta(hours=26)))
    assert later.recent("collinfo", url, timedelta(days=1)) is not None
    assert later.recent("collinfo", "https://index.example.org/collinfo.json", timedelta(days=1)) is None
    assert (
        ResponseCache(store.backend, "commoncrawl", FixedClock(NOON)).recent("collinfo", url, timedelta(days=1)) is None
    )
    later.keep("collinfo", url, b"no list")
    with ArchiveServer(AUGUST) as server:
        later.keep("collinfo", f"{server.url.rstrip('/')}/collinfo.json", b"no list")
        archive = commoncrawl_at(server.url, fetcher, cache=later)
        fill(archive, store)
        assert server.requests[0] == "/collinfo.json"  # the cached list is unusable


def test_recorded_answers_of_common_crawl_are_read():
    body = (PAYLOADS / "commoncrawl_collinfo.json").read_bytes()
    assert read_crawls(body, *ALL_TIME) == ["CC-MAIN-2025-30", "CC-MAIN-2025-33"]
    assert read_crawls(body, date(2025, 7, 20), date(2025, 8, 1)) == ["CC-MAIN-2025-30"]
    [capture] = commoncrawl.read_index(
        (PAYLOADS / "commoncrawl_index.jsonl").read_bytes(), "commoncrawl.org", *ALL_TIME
    )
    assert (capture.url, capture.instant) == (
        "https://www.commoncrawl.org/",
        datetime(2025, 8, 4, 10, 33, 29, tzinfo=UTC),
    )
    assert capture.place == (
        "crawl-data/CC-MAIN-2025-33/segments/1754151279781.29/warc/CC-MAIN-20250804083340-20250804113340-00340.warc.gz",
        667474763,
        7063,
    )


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[5]", b'[{"id": "../../x"}]', b'[{"id": "CC-MAIN-2025-33/../x"}]', b"[{}]", b"[" * 100_000]
)
def test_answer_that_is_no_list_of_crawls_is_refused(body):
    with pytest.raises(ParseError):
        read_crawls(body, *ALL_TIME)


ROW = {
    "timestamp": "20250804145408",
    "url": "https://timesca.com/",
    "mime": "text/html",
    "status": "200",
    "length": "7063",
    "offset": "667",
    "filename": "crawl-data/CC-MAIN-2025-33/warc/a.warc.gz",
}


@pytest.mark.parametrize(
    "change",
    [*CASES["place_outside_the_data_root_is_refused"], {"filename": None}, {"timestamp": None}, {"offset": "9" * 5000}],
)
def test_place_outside_the_data_root_is_left_out_and_named(change):
    bad = []
    body = f"{json.dumps(ROW)}\n{json.dumps({**ROW, **change})}\n".encode()
    assert len(commoncrawl.read_index(body, "timesca.com", *ALL_TIME, bad.append)) == 1
    assert [reason.partition(" (")[0] for reason in bad] == ["row 2"]


def packed_in(encoding):
    """A record of a page in an unsupported encoding; as in most 100 compressed bytes, one of them is a `<`."""
    record = warc_record(archived("20250804145408", b"\x1b\x8f<\x02\xf0" * 200), **{"WARC-Block-Digest": None})
    field = f"Content-Encoding: {encoding}\r\n".encode()
    length = len(record.partition(b"\r\n\r\n")[2]) - 4
    record = record.replace(b"Content-Length: %d" % length, b"Content-Length: %d" % (length + len(field)))
    return record.replace(b"\r\nContent-Type: text/html", b"\r\n" + field + b"Content-Type: text/html")


@pytest.mark.parametrize(
    ("piece", "reason"),
    [
        (b"rubbish", "damaged"),
        (b"", "another record"),
        (gzip.compress(warc_record(archived("20250804145409"))), "another record"),
        (gzip.compress(warc_record(archived("20250804145408", url="https://timesca.com/b"))), "another record"),
        (gzip.compress(warc_record(archived("20250804145408", status="404"))), "no page: status 404"),
        (gzip.compress(warc_record(archived("20250804145408", mime="image/png"))), "no page: status 200, 'image/png'"),
        (gzip.compress(packed_in("br")), "not in its content encoding 'br'"),
    ],
)
def test_piece_that_is_not_the_record_of_the_capture_is_refused(store, fetcher, piece, reason):
    longer = render_html(THE_8TH, None).encode() + hashlib.sha256().hexdigest().encode()
    with ArchiveServer(archived("20250804145408", longer)) as server:
        archive = commoncrawl_at(server.url, fetcher)
        listed = list(archive.listings("timesca.com", *ALL_TIME))
        archive.listings = lambda *_span: listed
        server.answers = [(206, {}, piece)]
        summary = fill(archive, store)
    assert (summary.read, summary.refused, summary.empty) == (0, 1, 0)
    assert reason in summary.named[0][1]
    assert empty_captures(store.backend, "timesca", "commoncrawl") == set()


def test_answer_that_ignores_the_range_ends_the_run(store, fetcher):
    with ArchiveServer(AUGUST) as server:
        archive = commoncrawl_at(server.url, fetcher)
        listed = list(archive.listings("timesca.com", *ALL_TIME))
        archive.listings = lambda *_span: listed
        server.answers = [(200, {}, bytes(5_000_000))] * 3
        summary = fill(archive, store)
    assert "status 200" in summary.stopped


# Whose page


@pytest.mark.parametrize("url", CASES["pages_of_the_site_are_accepted"])
def test_pages_of_the_site_are_accepted(url):
    assert is_page_of("timesca.com", url)


@pytest.mark.parametrize(
    "url", [*CASES["other_urls_are_not_accepted_as_pages_of_the_site"], "https://timesca.com/" + "x" * 2000]
)
def test_other_urls_are_not_accepted_as_pages_of_the_site(url):
    assert not is_page_of("timesca.com", url)


def test_site_is_a_host_without_www():
    assert site_of("https://www.timesca.com/") == "timesca.com"
    assert site_of("http://[::") == ""
    assert not is_page_of("", "https:///x")


@pytest.mark.parametrize("text", ["2025", "20250230101112", "2025080414540x", "٢٠٢٥٠٨٠٤١٤٥٤٠٨", 20250804145408, None])
def test_timestamp_of_an_index_has_fourteen_digits(text):
    with pytest.raises(ParseError):
        read_stamp(text)


# The command


def run(tmp_path, archives, *arguments):
    config = tmp_path / "config.toml"
    config.write_text(f'[store]\npath = "parquet"\n[archives]\n{archives}\n')
    return CliRunner().invoke(command, ["timesca", "--from-archive", *arguments, "--config", str(config)])


def test_command_requests_the_configured_archive(tmp_path):
    with ArchiveServer() as server:
        shown = run(tmp_path, f'wayback = "{server.url}"', "--start", "2025-08-01")
        assert server.requested("/cdx/search/cdx?url=timesca.com&matchType=domain&output=json&from=20250801")
    assert shown.exit_code == 0, shown.output
    assert shown.stdout == (
        "wayback: 0 captures listed, 0 known before; 1 requests: 0 captures read, 0 without a ticker, 0 refused; "
        "0 rows added, 0 already there\n"
    )


def test_command_reports_why_an_archive_stopped_it(tmp_path):
    with ArchiveServer() as server:
        server.answers = [refusal(403)]
        shown = run(tmp_path, f'commoncrawl_index = "{server.url}"', "--archive", "commoncrawl")
    assert shown.exit_code == 1
    assert "commoncrawl: stopped: status 403" in shown.stderr
