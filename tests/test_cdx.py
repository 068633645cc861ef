import json
from datetime import UTC, date, datetime

import pytest
from archive_server import COLUMNS, ArchivedPage, ArchiveServer
from builders import PRINTED_TICKS, FixedClock
from click.testing import CliRunner

import fxticker as fx
from fxticker.backfill import commoncrawl, wayback
from fxticker.backfill.archive import backfill_from_archive
from fxticker.backfill.cdx import host_of, payload_digest, requested_url
from fxticker.backfill.commoncrawl import CommonCrawl
from fxticker.backfill.wayback import Wayback
from fxticker.cli.backfill import backfill as command
from fxticker.errors import ParseError
from fxticker.fetch.client import Fetcher
from fxticker.fetch.throttle import Throttle
from fxticker.simulation.site import render_html
from fxticker.sources.timesca.page import SOURCE

ALL_TIME = (date(1990, 1, 1), date(2030, 1, 1))
PAGE = render_html(PRINTED_TICKS, None).encode()
FIRST = ArchivedPage("20250708101112", "https://timesca.com/", PAGE)
DIGEST = FIRST.digest
EMPTY_DIGEST = "3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"


def row(stamp="20250709101112", url="https://timesca.com/", mime="text/html", status="200", digest="D"):
    return ["com,timesca)/", stamp, url, mime, status, digest, "700"]


def line(**changes):
    sound = {
        "timestamp": "20250804145408",
        "url": "https://timesca.com/",
        "mime": "text/html",
        "status": "200",
        "digest": "D",
        "length": "7063",
        "offset": "667",
        "filename": "crawl-data/CC-MAIN-2025-33/warc/a.warc.gz",
    }
    return json.dumps({**sound, **changes}).encode()


@pytest.fixture
def fetcher():
    with Fetcher(timeout_s=10, max_bytes=1_000_000, user_agent="fxticker-test (loopback)") as client:
        yield client


def archive_at(kind, url, fetcher):
    throttle = Throttle(clock=FixedClock(), sleep=lambda seconds: None)
    if kind == "wayback":
        return Wayback(url, fetcher=fetcher, throttle=throttle, max_bytes=1_000_000)
    return CommonCrawl(url, url, fetcher=fetcher, throttle=throttle, max_bytes=1_000_000)


def fill(archive, store, first=date(2025, 7, 1), last=date(2025, 8, 31)):
    return backfill_from_archive(SOURCE, archive, first=first, last=last, store=store)


# Malformed rows


BAD_STAMPS = [
    "20250800101112",
    "20250809241112",
    "202508091011",
    "20250230101112",
    "20250809101160",
    "",
    "2025080910111x",
]


@pytest.mark.parametrize("stamp", BAD_STAMPS)
def test_row_without_an_instant_is_left_out_and_named(stamp):
    bad = []
    rows, _ = wayback.read_index(
        json.dumps([COLUMNS, row(), row(stamp), row("20250710101112")]).encode(), "timesca.com", *ALL_TIME, bad.append
    )
    assert [f"{capture.instant:%d}" for capture in rows] == ["09", "10"]
    assert len(bad) == 1
    assert bad[0].startswith("row 2 (")
    bad.clear()
    body = b"\n".join([line(), line(timestamp=stamp), line()])
    assert len(commoncrawl.read_index(body, "timesca.com", *ALL_TIME, bad.append)) == 2
    assert len(bad) == 1
    assert stamp in bad[0]


@pytest.mark.parametrize(
    "bad_row",
    [
        ["20250709101112"],
        [*row(), "more"],
        [],
        5,
        None,
        "20250709101112",
        {"timestamp": "20250709101112"},
        [None] * 7,
        row(url="https://timesca.com/../../cdx"),
        row(url="https://me@timesca.com/"),
        row(url="https://timesca.com:8080/"),
        row(url="https://timesca.com\\@example.org/"),
        row(url="https://timesca.com/" + "x" * 2000),
        row(url=""),
        row(url="-"),
        row(url="https://timesca.com/\ud800"),
        row(status=""),
        row(status="OK"),
    ],
)
def test_malformed_row_of_the_wayback_machine_is_left_out_and_named(bad_row):
    bad = []
    body = json.dumps([COLUMNS, row(), bad_row, row("20250710101112")]).encode()
    rows, key = wayback.read_index(body, "timesca.com", *ALL_TIME, bad.append)
    assert (len(rows), key, len(bad)) == (2, None, 1)


@pytest.mark.parametrize(
    "bad_line",
    [
        b"{",
        b"5",
        b'"text"',
        b"[]",
        b"\xff\xfe",
        b"[" * 5000,
        line(url=None),
        line(url=5),
        line(timestamp=20250804145408),
        line(status=200),
        line(status=None),
        line(url=""),
        line(url="-"),
        line(url="https://timesca.com/\ufffd"),
    ],
)
def test_malformed_line_of_common_crawl_is_left_out_and_named(bad_line):
    bad = []
    body = b"\n".join([line(), bad_line, line()])
    assert len(commoncrawl.read_index(body, "timesca.com", *ALL_TIME, bad.append)) == 2
    assert len(bad) == 1


@pytest.mark.parametrize("body", [b"<html>busy</html>", b"5\n6\n", b"[" * 100_000, line() + b"\n{" * 10_001])
def test_answer_without_any_row_is_no_index_of_common_crawl(body):
    with pytest.raises(ParseError):
        commoncrawl.read_index(body, "timesca.com", *ALL_TIME)


@pytest.mark.parametrize("kind", ["wayback", "commoncrawl"])
def test_malformed_row_does_not_end_the_run(kind, store, fetcher):
    broken = ArchivedPage("20250709101112", "https://timesca.com/b", PAGE)
    with ArchiveServer(FIRST, broken, ArchivedPage("20250710101112", "https://timesca.com/", PAGE)) as server:
        answer = server._answer
        server._answer = lambda path, headers: tuple(
            part.replace(b"20250709101112", b"20250700101112") if isinstance(part, bytes) else part
            for part in answer(path, headers)
        )
        summary = fill(archive_at(kind, server.url, fetcher), store)
    assert (summary.read, summary.refused, summary.stopped, summary.bad_rows) == (2, 0, None, 1)
    assert not summary.is_whole
    assert "no such day or time: 20250700101112" in summary.named_rows[0]


def test_command_counts_and_names_malformed_rows_and_exits_with_1(tmp_path):
    config = tmp_path / "config.toml"
    rows = [COLUMNS, *[row("20250800101112")] * 25]
    with ArchiveServer() as server:
        config.write_text(f'[store]\npath = "parquet"\n[archives]\nwayback = "{server.url}"\n')
        server.answers = [(200, {"Content-Type": "application/json"}, json.dumps(rows).encode())]
        shown = CliRunner().invoke(command, ["timesca", "--from-archive", "--config", str(config)])
    assert shown.exit_code == 1
    assert shown.stderr.count("left out of the index: row ") == 20
    assert "5 more malformed rows are left out" in shown.stderr
    assert "0 refused, 25 malformed rows left out; 0 rows added" in shown.stdout


# Addresses


def test_row_with_characters_that_no_url_has_is_requested_encoded(store, fetcher):
    page = ArchivedPage("20250708101112", 'https://timesca.com/к|{x} "y"#z', PAGE)
    with ArchiveServer(page) as server:
        summary = fill(archive_at("wayback", server.url, fetcher), store)
        [path] = server.requested("/web/")
    assert (summary.read, summary.bad_rows) == (1, 0)
    assert path == "/web/20250708101112id_/https://timesca.com/%D0%BA%7C%7Bx%7D%20%22y%22%23z"


def test_common_crawl_reads_a_capture_of_any_address(store, fetcher):
    page = ArchivedPage("20250708101112", "https://timesca.com/новости|{1}", PAGE)
    with ArchiveServer(page) as server:
        assert fill(archive_at("commoncrawl", server.url, fetcher), store).read == 1


@pytest.mark.parametrize("url", ["https://example.org/", "ftp://timesca.com/", "", "https://timesca.com@example.org/"])
def test_url_of_another_site_is_not_requested(url):
    assert requested_url("timesca.com", url) is None


def test_host_is_compared_as_it_is_looked_up():
    assert host_of("https://Пример.РФ:443/x") == host_of("https://u@xn--e1afmkfd.xn--p1ai./") == "xn--e1afmkfd.xn--p1ai"
    assert host_of("https://[::1]:80/") == "[::1]"


# Revisits


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        (DIGEST, f"sha1:{DIGEST}"),
        (f"SHA-1:{DIGEST.lower()}", f"sha1:{DIGEST}"),
        ("sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709", None),
        (EMPTY_DIGEST, None),
        ("-", None),
        (None, None),
        ("x" * 300, None),
    ],
)
def test_digests_of_a_payload_have_one_form(text, digest):
    assert payload_digest(text) == digest


def revisit(stamp, body=PAGE, **changes):
    return ArchivedPage(stamp, "https://timesca.com/", body, **{"status": "-", "mime": "warc/revisit", **changes})


@pytest.mark.parametrize("kind", ["wayback", "commoncrawl"])
def test_revisit_shows_the_ticks_of_its_capture_without_a_request(kind, store, fetcher):
    with ArchiveServer(FIRST, revisit("20250709111213"), revisit("20250710000000", status="304")) as server:
        summary = fill(archive_at(kind, server.url, fetcher), store)
        assert len(server.requested("/web/") + server.requested("/crawl-data/")) == 1
        again = fill(archive_at(kind, server.url, fetcher), store)
    assert (summary.read, summary.revisits, summary.refused, summary.added) == (3, 2, 0, 15)
    assert (again.known, again.requests) == (3, again.requests)
    rows = fx.load(store)
    assert sorted(set(rows["observed_at"])) == [
        datetime(2025, 7, 8, 10, 11, 12, tzinfo=UTC),
        datetime(2025, 7, 9, 11, 12, 13, tzinfo=UTC),
        datetime(2025, 7, 10, tzinfo=UTC),
    ]
    assert rows.groupby("observed_at")["rate_text"].agg(list).map(tuple).nunique() == 1
    assert (set(rows["origin"]), set(rows["time_basis"])) == ({"archive"}, {"capture"})


@pytest.mark.parametrize("kind", ["wayback", "commoncrawl"])
def test_revisit_of_a_page_without_a_ticker_has_none(kind, store, fetcher):
    empty = b"<html>Nothing</html>"
    with ArchiveServer(
        ArchivedPage("20250708101112", "https://timesca.com/", empty), revisit("20250709111213", empty)
    ) as server:
        summary = fill(archive_at(kind, server.url, fetcher), store)
        assert fill(archive_at(kind, server.url, fetcher), store).known == 2
    assert (summary.read, summary.empty, summary.refused) == (0, 2, 0)


def test_revisit_of_a_page_found_empty_by_an_earlier_run_is_not_requested(store, fetcher):
    empty = b"<html>Nothing</html>"
    original = ArchivedPage("20250708101112", "https://timesca.com/", empty)
    with ArchiveServer(original) as server:
        fill(archive_at("wayback", server.url, fetcher), store)
        server.pages.append(revisit("20250709111213", empty))
        server.requests.clear()
        assert fill(archive_at("wayback", server.url, fetcher), store).empty == 1
        assert server.requested("/web/") == []


def test_revisit_of_a_capture_that_is_stored_is_read_from_that_capture(store, fetcher):
    with ArchiveServer(FIRST) as server:
        fill(archive_at("wayback", server.url, fetcher), store)
        server.pages.append(revisit("20250709111213"))
        server.requests.clear()
        assert fill(archive_at("wayback", server.url, fetcher), store).revisits == 1
        assert [path[:19] for path in server.requested("/web/")] == ["/web/20250708101112"]


@pytest.mark.parametrize("digest_of", [b"other", b""])
@pytest.mark.parametrize("kind", ["wayback", "commoncrawl"])
def test_revisit_of_an_unlisted_capture_is_counted_and_named(kind, store, fetcher, digest_of):
    with ArchiveServer(FIRST, revisit("20250709111213", digest_of)) as server:
        server._replay, replay = (
            lambda path: (404, {}, b"") if "20250709111213" in path else replay(path),
            server._replay,
        )
        summary = fill(archive_at(kind, server.url, fetcher), store)
    assert (summary.read, summary.refused, summary.is_whole) == (1, 1, False)
    assert summary.named[0][0] == "20250709111213 https://timesca.com/"


def test_revisit_that_the_wayback_machine_plays_at_its_own_instant_is_read(store, fetcher):
    with ArchiveServer(revisit("20250709111213", mime="warc/revisit")) as server:
        replay = server._replay
        server._replay = lambda path: (200, {**replay(path)[1], "Content-Type": "text/html"}, PAGE)
        assert fill(archive_at("wayback", server.url, fetcher), store).read == 1


@pytest.mark.parametrize("bytes_in_url", [b"\xff", b"\xc3("])
def test_row_with_invalid_bytes_does_not_spoil_the_others(bytes_in_url):
    bad = []
    body = json.dumps([COLUMNS, row(), row(url="https://timesca.com/BYTES")]).encode().replace(b"BYTES", bytes_in_url)
    rows, _ = wayback.read_index(body, "timesca.com", *ALL_TIME, bad.append)
    assert (len(rows), len(bad)) == (1, 1)


def test_control_character_and_media_type_with_parameters_are_read():
    body = json.dumps([COLUMNS, row(url="https://timesca.com/TAB"), row(mime="TEXT/HTML; charset=utf-8")]).encode()
    rows, _ = wayback.read_index(body.replace(b"TAB", b"\t"), "timesca.com", *ALL_TIME)
    assert sorted(each.url for each in rows) == ["https://timesca.com/", "https://timesca.com/%09"]
