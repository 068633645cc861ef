import gzip
import hashlib
import io
from base64 import b32encode
from datetime import UTC, datetime

import pytest
from archive_server import ArchivedPage, warc_record
from builders import PRINTED_TICKS, TICKER
from click.testing import CliRunner

import fxticker as fx
from fxticker.backfill.page_files import find_pages
from fxticker.backfill.revisits import KnownCaptures, UnknownCapture, names_of
from fxticker.backfill.saved_pages import import_pages
from fxticker.backfill.warc import read_warc
from fxticker.backfill.warc_page import Revisit, WarcPage
from fxticker.cli.import_files import import_
from fxticker.model.records import PrintedTick
from fxticker.simulation.site import render_html
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.store import Store

PAGE = render_html(PRINTED_TICKS, None).encode()
OTHER = render_html([*PRINTED_TICKS[:4], PrintedTick("TMT/USD", "0.28490", "0%")], None).encode()
URL = "https://timesca.com/"
FIRST = ArchivedPage("20240908120000", URL, PAGE)
SECOND = datetime(2024, 9, 9, 12, tzinfo=UTC)
SHA1 = f"sha1:{FIRST.digest}"
SHA256 = f"sha256:{hashlib.sha256(PAGE).hexdigest()}"
RECORD_ID = "<urn:uuid:006b01fb-abe9-4c02-ba23-18b037238c5f>"
AT_FIRST = {"Refers-To-Date": "2024-09-08T12:00:00Z", "Refers-To-Target-URI": URL}
NOT_MODIFIED = "http://netpreserve.org/warc/1.0/revisit/server-not-modified"
EMPTY = "sha1:" + b32encode(hashlib.sha1(b"").digest()).decode()


def response(page=FIRST, **fields):
    return warc_record(page, **{"WARC-Record-ID": RECORD_ID, **fields})


def revisit(date="2024-09-09T12:00:00Z", status="304 Not Modified", url=URL, **fields):
    block = f"HTTP/1.1 {status}\r\nServer: x\r\n\r\n".encode() if status else b""
    lines = {
        "WARC-Type": "revisit",
        "WARC-Date": date,
        "WARC-Target-URI": url,
        "Content-Length": str(len(block)),
        **{f"WARC-{name.replace('_', '-')}": value for name, value in fields.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
    return f"WARC/1.0\r\n{head}\r\n".encode() + block + b"\r\n\r\n"


def bring_in(tmp_path, *files):
    store = Store(tmp_path / "parquet")
    names = []
    for number, records in enumerate(files):
        (tmp_path / f"{number}.warc.gz").write_bytes(b"".join(map(gzip.compress, records)))
        names.append(str(tmp_path / f"{number}.warc.gz"))
    return store, import_pages(find_pages(names), source=SOURCE, store=store)


KNOWN = [
    {"Payload-Digest": SHA1},
    {"Payload-Digest": SHA1.lower()},
    {"Payload-Digest": f"sha1:{hashlib.sha1(PAGE).hexdigest()}"},
    {"Payload-Digest": SHA256},
    {"Refers-To": RECORD_ID},
    AT_FIRST,
    {"Refers-To-Date": "2024-09-08T12:00:00Z"},
    {**AT_FIRST, "Profile": NOT_MODIFIED, "Payload-Digest": EMPTY},
    {**AT_FIRST, "Profile": NOT_MODIFIED, "Payload-Digest": "sha1:" + "A" * 32},
    {**AT_FIRST, "Payload-Digest": "md5:" + "0" * 32},
    {"Payload-Digest": SHA1, "status": "200 OK"},
    {"Payload-Digest": SHA1, "status": None},
]


@pytest.mark.parametrize("fields", KNOWN)
@pytest.mark.parametrize("is_first", [True, False])
def test_revisit_is_an_observation_of_the_same_ticks_at_its_own_instant(tmp_path, fields, is_first):
    records = [response(**{"WARC-Payload-Digest": SHA256}), revisit(**fields)]
    store, summary = bring_in(tmp_path, records if is_first else records[::-1])
    assert (summary.captures, summary.revisits, summary.added, summary.refused) == (1, 1, 10, [])
    rows = fx.load(store)
    rows = rows[rows["observed_at"] == SECOND]
    assert sorted(zip(rows["pair"], rows["rate_text"], rows["change_text"], strict=True)) == sorted(TICKER)
    assert (set(rows["origin"]), set(rows["time_basis"])) == ({"archive"}, {"capture"})


@pytest.mark.parametrize("is_first", [True, False])
def test_revisit_finds_its_capture_in_another_file(tmp_path, is_first):
    files = [[response()], [revisit(Payload_Digest=SHA1)]]
    _, summary = bring_in(tmp_path, *(files if is_first else files[::-1]))
    assert (summary.revisits, summary.refused) == (1, [])


def test_revisit_finds_a_capture_that_was_stored_before(tmp_path):
    bring_in(tmp_path, [response()])
    store, summary = bring_in(tmp_path, [revisit(**AT_FIRST)])
    assert (summary.captures, summary.revisits, summary.added, summary.refused) == (0, 1, 5, [])
    assert len(fx.load(store)) == 10


UNKNOWN = [
    {},
    {"Payload-Digest": "sha1:" + "A" * 32},
    {"Payload-Digest": EMPTY},
    {"Refers-To-Date": "2024-09-08T13:00:00Z"},
    {**AT_FIRST, "Refers-To-Target-URI": "https://timesca.com/other/"},
    {"Refers-To": "<urn:uuid:00000000-0000-0000-0000-000000000000>"},
    {**AT_FIRST, "Payload-Digest": "sha1:" + "A" * 32},
    {"Profile": NOT_MODIFIED, "Payload-Digest": SHA1},
    {"Refers-To-Date": "2024-09"},
]


@pytest.mark.parametrize("fields", UNKNOWN)
def test_revisit_of_an_unknown_capture_is_refused_by_name(tmp_path, fields):
    _, summary = bring_in(tmp_path, [response(), revisit(**fields)])
    assert (summary.captures, summary.revisits, summary.added) == (1, 0, 5)
    [(name, reason)] = summary.refused
    assert f"0.warc.gz at byte {len(gzip.compress(response()))}" in name
    assert "revisit" in reason or "2024-09" in reason


def test_revisit_of_captures_that_differ_is_refused_by_name(tmp_path):
    other = ArchivedPage("20240908120000", URL, OTHER)
    _, summary = bring_in(tmp_path, [response(), response(other), response(), revisit(**AT_FIRST)])
    assert (summary.captures, summary.revisits) == (3, 0)
    assert summary.refused[0][1] == "a revisit of one of several captures that differ"
    _, summary = bring_in(tmp_path, [revisit(**AT_FIRST)])
    assert summary.refused[0][1] == "a revisit of one of several captures that differ"


@pytest.mark.parametrize(
    "records",
    [
        [response(ArchivedPage("20240908120000", URL, PAGE, status="404")), revisit(Payload_Digest=SHA1)],
        [response(ArchivedPage("20240908120000", URL, PAGE, mime="image/png")), revisit(Payload_Digest=SHA1)],
        [response(), revisit(Payload_Digest=SHA1, status="301 Moved")],
        [response(), revisit(Payload_Digest=SHA1, url="https://example.org/")],
    ],
)
def test_revisit_of_what_is_no_page_is_skipped(tmp_path, records):
    _, summary = bring_in(tmp_path, records)
    assert (summary.revisits, summary.refused) == (0, [])
    assert summary.elsewhere >= 1


def test_revisit_of_a_page_without_a_ticker_is_empty(tmp_path):
    page = ArchivedPage("20240908120000", URL, b"<html>Nothing</html>")
    _, summary = bring_in(tmp_path, [response(page), revisit(Payload_Digest=f"sha1:{page.digest}")])
    assert (summary.empty, summary.revisits, summary.refused) == (2, 0, [])


@pytest.mark.parametrize("date", ["2124-09-08T12:00:00Z", "1969-01-01T00:00:00Z", "soon", None])
def test_revisit_with_an_impossible_timestamp_is_refused(tmp_path, date):
    _, summary = bring_in(tmp_path, [response(), revisit(date, Payload_Digest=SHA1)])
    assert (summary.revisits, len(summary.refused)) == (0, 1)


def test_command_counts_revisits_and_names_the_first_unknown_ones(tmp_path):
    unknown = [revisit(f"2024-09-10T12:{number:02}:00Z") for number in range(30)]
    (tmp_path / "a.warc").write_bytes(b"".join([response(), revisit(Payload_Digest=SHA1), *unknown]))
    shown = CliRunner().invoke(import_, [str(tmp_path / "a.warc"), "--store", str(tmp_path / "parquet")])
    assert shown.exit_code == 1
    assert "in WARC files: 1 pages read, 1 revisits of them, 0 without a ticker" in shown.stdout
    assert shown.stderr.count("a revisit of a capture that is not known") == 20
    assert "10 more revisits of captures that are not known" in shown.stderr


def test_known_captures_are_bounded_and_the_last_ones_stay():
    known = KnownCaptures(max_captures=10)
    pages = [item for item in read_warc(io.BytesIO(response() * 100)) if isinstance(item, WarcPage)]
    for number, page in enumerate(pages):
        digests = (f"sha1:{number}",)
        known.add(names_of(WarcPage(0, f"{URL}{number}", page.instant, 200, {}, b"", digests=digests)), digests, ())
    assert len(known._known) == 50
    assert known.ticks_of(Revisit(0, URL, SECOND, "sha1:99", None, "")) == ()
    with pytest.raises(UnknownCapture):
        known.ticks_of(Revisit(0, URL, SECOND, "sha1:1", None, ""))
