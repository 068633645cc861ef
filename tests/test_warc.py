import gzip
import io
import os
import zlib
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from archive_server import ArchivedPage, warc_record
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from laws import law

import fxticker as fx
from fxticker.backfill.page_files import find_pages
from fxticker.backfill.saved_pages import import_pages
from fxticker.backfill.warc import is_warc, read_warc
from fxticker.backfill.warc_page import DamagedRecord, SkippedRecord, WarcPage
from fxticker.cli.import_files import import_
from fxticker.fetch.gzip import CutShort, GzipDecoder, GzipReader
from fxticker.model.records import PrintedTick
from fxticker.simulation.site import render_html
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.store import Store

PAYLOADS = Path(__file__).parent / "payloads"
TICKS = [  # of 8 September 2024
    PrintedTick("KGS/USD", "0.01188", "0.85%"),
    PrintedTick("KZT/USD", "0.00209", "0%"),
    PrintedTick("TJS/USD", "0.09434", "0.43%"),
    PrintedTick("UZS/USD", "0.00008", "0%"),
    PrintedTick("TMT/USD", "0.28615", "0%"),
]
PAGE = render_html(TICKS, None).encode()
HOME = ArchivedPage("20240908120000", "https://timesca.com/", PAGE)
ARTICLE = ArchivedPage("20240913080910", "http://www.timesca.com/category/page/2/?x=1", PAGE)
ELSEWHERE = ArchivedPage("20240914000000", "https://example.org/timesca.com/", PAGE)
NO_TICKER = ArchivedPage("20240915000000", "https://timesca.com/about/", b"<html><body>About us</body></html>")
PICTURE = ArchivedPage("20240916000000", "https://timesca.com/logo.png", b"\x89PNG", mime="image/png")
MOVED = ArchivedPage("20240917000000", "https://timesca.com/old/", b"", status="301")
LAST = ArchivedPage("20240918000000", "https://timesca.com/last/", PAGE)
INFO = b"WARC/1.0\r\nWARC-Type: warcinfo\r\nContent-Length: 5\r\n\r\nhello\r\n\r\n"


def plain(*records):
    return b"".join(record if isinstance(record, bytes) else warc_record(record) for record in records)


def packed(*records):
    return b"".join(gzip.compress(plain(record)) for record in records)


def read(data):
    return list(read_warc(io.BytesIO(data)))


def urls(records):
    return [record.url if isinstance(record, WarcPage) else record.reason for record in records]


def bring_in(tmp_path, data, name="crawl.warc.gz", **options):
    (tmp_path / name).write_bytes(data)
    store = Store(tmp_path / "parquet")
    return store, import_pages(find_pages([str(tmp_path / name)]), source=SOURCE, store=store, **options)


# What is stored


@pytest.mark.parametrize("pack", [plain, packed, lambda *records: gzip.compress(plain(*records))])
def test_pages_of_the_site_are_stored_at_their_capture_times(tmp_path, pack):
    data = pack(INFO, HOME, ELSEWHERE, ARTICLE, NO_TICKER, PICTURE, MOVED, LAST)
    store, summary = bring_in(tmp_path, data)
    assert (summary.captures, summary.empty, summary.elsewhere, summary.refused) == (3, 1, 3, [])
    assert (summary.pages, summary.added, summary.known) == (1, 15, 0)
    rows = fx.load(store)
    assert sorted(set(rows["observed_at"])) == [
        datetime(2024, 9, 8, 12, tzinfo=UTC),
        datetime(2024, 9, 13, 8, 9, 10, tzinfo=UTC),
        datetime(2024, 9, 18, tzinfo=UTC),
    ]
    assert list(rows["rate_text"][:2]) == ["0.01188", "0.00209"]
    assert (set(rows["origin"]), set(rows["time_basis"])) == ({"archive"}, {"capture"})


def test_importing_again_adds_nothing(tmp_path):
    bring_in(tmp_path, packed(HOME, LAST))
    _, summary = bring_in(tmp_path, packed(HOME, LAST))
    assert (summary.added, summary.known) == (0, 10)


def test_observed_at_is_refused_for_a_warc_file(tmp_path):
    _, summary = bring_in(tmp_path, packed(HOME), observed_at="2024-09-08")
    assert "leave --observed-at out" in summary.refused[0][1]
    assert summary.added == 0


@pytest.mark.parametrize(
    "date", ["2124-09-08T12:00:00Z", "1969-01-01T00:00:00Z", "2024-09", "2024-09-08", "soon", None]
)
def test_record_with_an_impossible_timestamp_is_reported_and_reading_continues(tmp_path, date):
    _, summary = bring_in(tmp_path, packed(warc_record(HOME, **{"WARC-Date": date}), LAST))
    assert (summary.captures, len(summary.refused)) == (1, 1)
    assert "crawl.warc.gz at byte 0" in summary.refused[0][0]


def test_timestamp_keeps_its_fraction_and_is_converted_to_utc(tmp_path):
    data = plain(warc_record(HOME, **{"WARC-Date": "2024-09-08T14:00:00.25+02:00"}))
    assert read(data)[0].instant == datetime(2024, 9, 8, 12, 0, 0, 250000, tzinfo=UTC)


@pytest.mark.parametrize("pack", [plain, packed])
def test_warc_file_on_standard_input_is_refused(tmp_path, monkeypatch, pack):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(pack(HOME))))
    summary = import_pages(find_pages(["-"]), source=SOURCE, store=Store(tmp_path / "parquet"))
    assert summary.refused == [
        ("standard input", "a WARC file from a pipe or standard input: save it, and name the file")
    ]


def test_saved_page_beside_a_warc_file_is_imported(tmp_path):
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "a.html").write_bytes(render_html(TICKS, date(2024, 9, 13)).encode())
    (folder / "b.warc").write_bytes(plain(HOME))
    store = Store(tmp_path / "parquet")
    summary = import_pages(find_pages([str(folder)]), source=SOURCE, store=store)
    assert (summary.pages, summary.added, summary.captures) == (2, 10, 1)
    assert set(fx.load(store)["origin"]) == {"page", "archive"}


def test_command_reports_damaged_records_and_exits_with_1(tmp_path):
    broken = bytearray(packed(HOME))
    broken[200] ^= 255
    (tmp_path / "crawl.warc.gz").write_bytes(bytes(broken) + packed(LAST))
    shown = CliRunner().invoke(import_, [str(tmp_path / "crawl.warc.gz"), "--store", str(tmp_path / "parquet")])
    assert shown.exit_code == 1
    assert "crawl.warc.gz at byte 0" in shown.stderr
    assert "5 rows added" in shown.stdout


# What is a WARC file


@pytest.mark.parametrize(
    ("data", "is_one"),
    [
        (plain(HOME), True),
        (packed(HOME), True),
        (PAGE, False),
        (gzip.compress(PAGE), False),
        (b"\x1f\x8b\x08\x00rubbish", False),
        (b"\x1f\x8b\x08", False),
        (b"", False),
    ],
)
def test_warc_file_is_recognised_by_its_content(tmp_path, data, is_one):
    (tmp_path / "file").write_bytes(data)
    assert is_warc(io.BytesIO(data)) is is_one


# Reading records


def test_recorded_record_of_common_crawl_is_read():
    with (PAYLOADS / "commoncrawl_record.warc.gz").open("rb") as file:
        [record] = read_warc(file)
    assert (record.url, record.http_status) == ("http://commoncrawl.org", 301)
    assert record.instant == datetime(2025, 8, 4, 14, 54, 8, tzinfo=UTC)
    assert record.headers["location"] == "https://commoncrawl.org/"
    assert len(record.body) == 162


def test_unwanted_records_are_skipped_unread():
    broken = plain(warc_record(ELSEWHERE, **{"WARC-Date": "soon"}), HOME)
    records = list(read_warc(io.BytesIO(broken), lambda url: "timesca.com/" in url[:25]))
    assert [type(record) for record in records] == [SkippedRecord, WarcPage]


def answer(head, body):
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + head + b"\r\n" + body
    fields = {"WARC-Block-Digest": None, "Content-Length": str(len(block))}
    return warc_record(HOME, **fields).partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + block + b"\r\n\r\n"


def chunked(body):
    return b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (10, body[:10], len(body) - 10, body[10:])


@pytest.mark.parametrize(
    "record",
    [
        answer(b"", PAGE),
        answer(b"Content-Encoding: gzip\r\n", gzip.compress(PAGE)),
        answer(b"Transfer-Encoding: chunked\r\n", chunked(PAGE)),
        answer(b"Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n", chunked(gzip.compress(PAGE))),
        answer(b"Content-Encoding: gzip\r\n", PAGE),  # undone by the crawler, the header left
        answer(b"Content-Encoding: br\r\nTransfer-Encoding: chunked\r\n", PAGE),
    ],
)
def test_encodings_of_the_answer_are_decoded(record):
    assert read(packed(record))[0].body == PAGE


PACKED = bytes.fromhex("1b8f3c62723e02f0") * 100  # it holds a `<`, as most packed pages do
TEXT = "Currencies\nKGS/USD = 0.01188 ▲ 0.85%\n"
BROTLI = pa.Codec("brotli").compress(PAGE, asbytes=True)
ZSTD = pa.Codec("zstd").compress(PAGE, asbytes=True)
BROTLI_BOMB, ZSTD_BOMB = (pa.Codec(name).compress(bytes(20_000_000), asbytes=True) for name in ("brotli", "zstd"))


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("deflate", zlib.compress(PAGE)),
        ("deflate", zlib.compress(PAGE, wbits=-15)),
        ("br", BROTLI),
        ("BR", BROTLI),
        ("zstd", ZSTD),
        ("zstd", ZSTD + pa.Codec("zstd").compress(b"", asbytes=True)),
        ("gzip, identity", gzip.compress(PAGE)),
        ("identity, x-gzip ,", gzip.compress(PAGE)),
        ("gzip\r\nContent-Encoding: br", pa.Codec("brotli").compress(gzip.compress(PAGE), asbytes=True)),
        ("deflate, gzip", gzip.compress(zlib.compress(PAGE))),
        ("br, gzip", gzip.compress(PAGE)),  # the first one undone by the crawler
        ("gzip, br", PAGE),  # both
        ("utf-8", PAGE),
        ("identity\r\nTransfer-Encoding: gzip, chunked", chunked(gzip.compress(PAGE))),
    ],
)
def test_content_encodings_are_decoded(tmp_path, encoding, body):
    record = answer(b"Content-Encoding: %b\r\n" % encoding.encode(), body)
    assert read(packed(record))[0].body == PAGE


def test_packed_page_without_a_declared_encoding_is_unpacked():
    assert read(packed(answer(b"", gzip.compress(PAGE))))[0].body == PAGE


@pytest.mark.parametrize(
    ("encoding", "body", "reason"),
    [
        ("br", PACKED, "the page is not in its content encoding 'br', or damaged"),
        ("br, gzip", gzip.compress(PACKED, mtime=0), "the page is not in its content encoding 'br', or damaged"),
        ("br", BROTLI[:-1], "the page is not in its content encoding 'br', or damaged"),
        ("br", BROTLI + b"x", "the page is not in its content encoding 'br', or damaged"),
        ("zstd", ZSTD[:-1], "the page is not in its content encoding 'zstd', or damaged"),
        ("zstd", ZSTD + PACKED, "the page is not in its content encoding 'zstd', or damaged"),
        ("deflate", zlib.compress(PAGE)[:-1], "the page is not in its content encoding 'deflate', or damaged"),
        ("deflate", zlib.compress(PAGE) + PACKED, "the page is not in its content encoding 'deflate', or damaged"),
        ("gzip", zlib.compress(PAGE), "the page is not in its content encoding 'gzip', or damaged"),
        ("compress", PACKED, "content encoding 'compress' is not supported"),
        ("DCB", b"<\x02" + PACKED, "content encoding 'dcb' is not supported"),
        (",".join(["gzip"] * 6), PACKED, "6 content encodings: more than 5"),
    ],
)
def test_page_in_an_encoding_that_cannot_be_undone_is_damaged_and_not_empty(tmp_path, encoding, body, reason):
    _, summary = bring_in(tmp_path, packed(answer(b"Content-Encoding: %b\r\n" % encoding.encode(), body), LAST))
    assert (summary.captures, summary.empty, len(summary.refused)) == (1, 0, 1)
    assert summary.refused[0][1] == reason


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xef\xbb\xbf\r\n " + PAGE,
        PAGE + b"\x00\xff",
        TEXT.encode(),
        b"\xef\xbb\xbf" + TEXT.encode(),
        b"\xff\xfe" + TEXT.encode("utf-16-le"),
    ],
)
def test_body_that_the_crawler_decoded_is_used_unchanged(body):
    assert read(plain(answer(b"Content-Encoding: br\r\n", body)))[0].body == body


def test_text_in_its_declared_charset_is_used_unchanged():
    body = "Курсы\n1,5\n".encode("cp1251")
    head = b"Content-Encoding: br\r\nContent-Type: text/plain; charset=windows-1251\r\n"
    record = answer(head, body).replace(b"Content-Type: text/html\r\n", b"X-From: somebody1234567\r\n")
    assert read(plain(record))[0].body == body


def test_style_sheet_in_an_unsupported_encoding_is_skipped(tmp_path):
    record = answer(b"Content-Encoding: br\r\n", PACKED).replace(b"Type: text/html\r", b"Type: text/css \r")
    _, summary = bring_in(tmp_path, packed(record, LAST))
    assert (summary.captures, summary.elsewhere, summary.refused) == (1, 1, [])


NO_ANSWER = (
    warc_record(HOME, **{"WARC-Block-Digest": None, "Content-Length": "0"}).partition(b"\r\n\r\n")[0] + b"\r\n" * 4
)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (answer(b"Content-Encoding: gzip\r\n", gzip.compress(PAGE)[:-20]), "cut short"),
        (answer(b"Content-Encoding: gzip\r\n", gzip.compress(bytes(5_000_001))), "exceeds 5000000 bytes"),
        (answer(b"", bytes(5_000_000)), "more than 5000000"),
        (warc_record(HOME, **{"WARC-Block-Digest": "sha1:" + "A" * 32}), "digest"),
        (warc_record(HOME).replace(b"0.01188", b"0.01189"), "digest"),
        (warc_record(HOME).replace(b"HTTP/1.1 200 OK", b"200 OK: that is "), "digest"),
        (answer(b"Content-Encoding: deflate\r\n", zlib.compress(bytes(5_000_001))), "exceeds 5000000 bytes"),
        (answer(b"Content-Encoding: br\r\n", BROTLI_BOMB), "exceeds 5000000 bytes"),
        (answer(b"Content-Encoding: zstd\r\n", ZSTD_BOMB), "exceeds 5000000 bytes"),
        (answer(b"", b"").replace(b"HTTP/1.1 200 OK", b"NONE/1.1 200 OK"), "without a status"),
        (answer(b"", b"").replace(b"HTTP/1.1 200 OK", b"HTTP/1.1 2OO OK"), "without a status"),
        (answer(b"", b"").replace(b"HTTP/1.1 200 OK", b"HTTP/1.1 20001 "), "without a status"),
        (NO_ANSWER, "without a status"),
    ],
)
@pytest.mark.parametrize("pack", [plain, packed])
def test_damaged_response_is_reported_and_the_next_one_is_read(pack, record, reason):
    bad, good = read(pack(record, LAST))
    assert reason in bad.reason
    assert (bad.offset, good.url) == (0, LAST.url)


@pytest.mark.parametrize(
    "record",
    [
        b"rubbish\r\n\r\n",
        warc_record(HOME, **{"Content-Length": None}),
        warc_record(HOME, **{"Content-Length": "-5"}),
        warc_record(HOME, **{"Content-Length": "many"}),
        warc_record(HOME, **{"Content-Length": "10"}),
        warc_record(HOME, **{"Content-Length": "999999999999"}),
        b"WARC/1.0\r\n" + b"X-Header: y\r\n" * 2000 + b"\r\n",
        b"WARC/1.0\r\nX-Header: " + b"y" * 100_000 + b"\r\n\r\n",
        b"WARC/1.0\r\n\r\n\r\n",
        b"\r\n" * 2000,
        bytes(1000) + b"\n",
    ],
)
@pytest.mark.parametrize("pack", [plain, packed])
def test_reading_resumes_after_a_damaged_record(pack, record):
    records = read(pack(HOME, record, LAST))
    pages = [item.url for item in records if isinstance(item, WarcPage)]
    assert (pages[0], pages[-1]) == (HOME.url, LAST.url)
    assert 1 <= len([item for item in records if isinstance(item, DamagedRecord)]) <= 2


@pytest.mark.parametrize("position", [0, 3, 50, 300, -5])
def test_damaged_member_is_reported_and_the_others_are_read(position):
    broken = bytearray(packed(ARTICLE))
    broken[position] ^= 255
    records = read(packed(HOME) + bytes(broken) + packed(LAST))
    pages = [item.url for item in records if isinstance(item, WarcPage)]
    assert (pages[0], pages[-1]) == (HOME.url, LAST.url)
    assert [item.offset for item in records if isinstance(item, DamagedRecord)] == [len(packed(HOME))]


@pytest.mark.parametrize("pack", [plain, packed])
def test_truncated_file_gives_its_whole_records_only(pack):
    data = pack(HOME, LAST)
    first = len(pack(HOME))
    for length in range(first + 4, len(data) - 8, 41):
        page, *damaged = read(data[:length])
        assert page.url == HOME.url
        assert [type(item) for item in damaged] == [DamagedRecord]


@pytest.mark.parametrize("gap", range(-3, 4))
def test_member_may_end_anywhere_in_a_block(gap):
    rest = 64_512 + gap - len(packed(HOME))
    pages = (
        ArchivedPage("20240914000000", "https://timesca.com/x", os.urandom(size)) for size in range(rest - 600, rest)
    )
    filler = next(member for page in pages if len(member := gzip.compress(plain(page), 0)) >= rest)
    assert urls(read(packed(HOME) + filler + packed(LAST)))[-1] == LAST.url


# Status lines and addresses


@pytest.mark.parametrize(
    "line",
    [
        *("HTTP/2.0 200 OK", "HTTP/3.0 200", "HTTP/2 200", "HTTP/3 200 ", "HTTP/2 200 OK", "http/1.1 200 OK"),
        *("HTTP/1.1  200 OK", "HTTP 200 OK", "HTTP/1.1 200\tOK"),
    ],
)
def test_status_is_the_number_after_the_first_space(tmp_path, line):
    record = answer(b"", PAGE).replace(b"HTTP/1.1 200 OK", line.encode())
    record = record.replace(b"Content-Length: %d" % LENGTH, b"Content-Length: %d" % (LENGTH - 15 + len(line)))
    _, summary = bring_in(tmp_path, packed(record, LAST))
    assert (summary.captures, summary.refused) == (2, [])


LENGTH = len(answer(b"", PAGE).partition(b"\r\n\r\n")[2]) - 4


@pytest.mark.parametrize(
    "url",
    [
        "https://timesca.com/новости/курс",
        "https://timesca.com/a|b",
        "https://timesca.com/{id}",
        "https://timesca.com/#/rates",
        "https://timesca.com/<b>",
        "https://timesca.com/a b",
        "https://timesca.com/a\\b",
        "https://timesca.com/" + "x" * 5000,
        "https://timesca.com:8443/",
        "https://me:secret@www.timesca.com/",
        "https://example.org@timesca.com/",
        "HTTPS://TIMESCA.COM./",
        "https://\uff54imesca\u3002com/",
        "https://timesca%2Ecom/",
        "http://timesca.com?x",
        "<https://timesca.com/новости>",
    ],
)
def test_pages_of_the_site_are_read_whatever_their_path_is(tmp_path, url):
    _, summary = bring_in(tmp_path, plain(warc_record(HOME, **{"WARC-Target-URI": url})))
    assert (summary.captures, summary.elsewhere, summary.refused) == (1, 0, [])


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/timesca.com/",
        "https://timesca.com@example.org/",
        "https://timesca.com:443@example.org/",
        "https://example.org#@timesca.com/",
        "https://example.org?@timesca.com/",
        "https://timesca.com.example.org/",
        "https://t\u0456mesca.com/",  # a Cyrillic letter
        "https://xn--tmesca-bwe.com/",
        "https://nottimesca.com/",
        "https://[::1]/timesca.com",
        "https://",
        "http:timesca.com/",
    ],
)
def test_pages_of_other_hosts_are_not_read(tmp_path, url):
    _, summary = bring_in(tmp_path, plain(warc_record(HOME, **{"WARC-Target-URI": url}), LAST))
    assert (summary.captures, summary.elsewhere, summary.refused) == (1, 1, [])


@pytest.mark.parametrize(
    "url",
    [
        "https://timesca.com\\@example.org/",
        "https://example.org\\@timesca.com/",
        "https://timesca.com%2F@example.org%5C/",
        "https://timesca.com:80:90/",
        "https://timesca.com:port/",
        "https://timesca.com%00.example.org/",
        "https://timesca.com\t.example.org/",
        "https://timesca.com" + "x" * 2000,
    ],
)
def test_address_whose_host_programs_read_differently_is_refused_by_name(tmp_path, url):
    _, summary = bring_in(tmp_path, plain(warc_record(HOME, **{"WARC-Target-URI": url}), LAST))
    assert (summary.captures, summary.elsewhere) == (1, 0)
    assert [reason for _, reason in summary.refused] == ["an address whose host cannot be read"]


def test_answer_without_a_content_type_is_taken_as_in_a_live_poll(tmp_path):
    record = answer(b"", PAGE).replace(b"Content-Type: text/html\r\n", b"X-From: somebody1234567\r\n")
    _, summary = bring_in(tmp_path, packed(record))
    assert (summary.captures, summary.elsewhere) == (1, 0)


# Bounds


def test_gzip_bomb_ends_at_the_limit_of_unpacked_bytes():
    head = b"WARC/1.0\r\nWARC-Type: resource\r\nContent-Length: 300000000\r\n\r\n"
    data = packed(HOME) + gzip.compress(head + bytes(300_000_000), 1) + packed(LAST)
    records = list(read_warc(io.BytesIO(data), packed_slack_bytes=1_000_000))
    assert urls(records) == [HOME.url, "the file unpacks to more than the limit: the rest is left out"]


def test_nested_records_are_read_in_linear_time():
    data = b"".join(b"WARC/1.0\r\nContent-Length: 99999999\r\n\r\n" for _ in range(30_000))
    assert [type(item) for item in read(data)] == [DamagedRecord, DamagedRecord]


def test_marks_without_records_are_one_damage():
    data = plain(HOME) + b"\nWARC/x" * 5000 + b"\r\n\r\n" + plain(LAST)
    assert [type(item) for item in read(data)] == [WarcPage, DamagedRecord, WarcPage]


def test_members_are_unpacked_up_to_the_requested_size():
    members = GzipReader(io.BytesIO(gzip.compress(bytes(10_000_000)) + gzip.compress(b"end")))
    buffer = memoryview(bytearray(1000))
    counts = [members.readinto(buffer) for _ in range(10_001)]
    assert (max(counts), counts[-1], bytes(buffer[:3])) == (1000, 3, b"end")
    assert members.readinto(buffer) == 0


@law(200)
@given(data=st.binary(max_size=300), cut=st.integers(0, 400), flipped=st.integers(0, 400), size=st.integers(1, 100))
def test_igzip_decodes_as_zlib_does_and_refuses_what_zlib_refuses(data, cut, flipped, size):
    pytest.importorskip("isal")
    packed = bytearray(gzip.compress(data, mtime=0) + gzip.compress(data[:7], mtime=0))
    is_flipped = 3 < flipped < len(packed)
    if is_flipped:
        packed[flipped] ^= 16
    packed = packed[: -cut or None]
    by_zlib = GzipDecoder()
    try:
        expected, is_whole = by_zlib.decode(bytes(packed), 100_000), not by_zlib.is_in_member
    except zlib.error:
        expected, is_whole = b"", False
    decoded, is_read = read_in_pieces(GzipReader(io.BytesIO(packed)), size)
    assert is_read == is_whole
    if is_whole or not is_flipped:
        assert decoded == expected


def read_in_pieces(members, size):
    """What is decoded before the end or the refusal, and whether it is the end."""
    decoded = b""
    try:
        while piece := members.read(size):
            decoded += piece
    except (zlib.error, CutShort):
        return decoded, False
    return decoded, True


def test_rubbish_is_one_damage():
    assert [type(item) for item in read(os.urandom(100_000))] == [DamagedRecord]
    assert read(b"") == []
    with pytest.raises(zlib.error):
        io.BufferedReader(GzipReader(io.BytesIO(b"rubbish" * 9))).read()


def test_page_records_other_than_responses_are_counted(tmp_path):
    other = warc_record(HOME, **{"WARC-Type": "resource", "Content-Type": "text/html"})
    _, summary = bring_in(tmp_path, packed(HOME, other))
    assert (summary.captures, summary.elsewhere, summary.added) == (1, 1, 5)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"WARC-Type": "respZnse"}, "a record of the unknown type 'respZnse'"),
        ({"WARC-Type": None}, "a record of the unknown type 'None'"),
        ({"WARC-Target-URI": None}, "a page without an address"),
        ({"WARC-Target-URI": "//timesca.com/"}, "a page without an address"),
    ],
)
def test_record_whose_kind_is_lost_is_named(tmp_path, fields, reason):
    _, summary = bring_in(tmp_path, packed(warc_record(HOME, **fields), LAST))
    assert (summary.captures, [given for _, given in summary.refused]) == (1, [reason])


def test_records_that_are_no_pages_are_passed_over(tmp_path):
    others = [warc_record(HOME, **{"WARC-Type": kind}) for kind in ("request", "metadata", "continuation")]
    _, summary = bring_in(tmp_path, packed(INFO, *others, warc_record(HOME, **{"WARC-Target-URI": "dns:timesca.com"})))
    assert (summary.captures, summary.elsewhere, summary.refused) == (0, 1, [])
