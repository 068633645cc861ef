import bz2
import gzip
import io
import lzma
import os
import time
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from archive_server import ArchivedPage, warc_record
from builders import PRINTED_TICKS, TICKER
from click.testing import CliRunner

import fxticker as fx
from fxticker.backfill.file_kinds import Packing, named
from fxticker.backfill.packed_files import unpacked, warc_files
from fxticker.backfill.page_files import find_pages
from fxticker.backfill.saved_pages import import_pages
from fxticker.backfill.warc import is_warc, read_warc
from fxticker.backfill.warc_page import DamagedRecord, WarcPage
from fxticker.cli import app
from fxticker.errors import NoTicker, ParseError
from fxticker.fetch import zstd
from fxticker.fetch.gzip import CutShort
from fxticker.simulation.site import render_html, render_text
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.store import Store

DAY = datetime(2025, 11, 14, tzinfo=UTC).date()
PAGE = render_html(PRINTED_TICKS, None).encode()
SAVED = render_text(PRINTED_TICKS, DAY).encode()
HOME = ArchivedPage("20240908120000", "https://timesca.com/", PAGE)
LAST = ArchivedPage("20240918000000", "https://timesca.com/last/", PAGE)
ONE, TWO = warc_record(HOME), warc_record(LAST)


def zst(data):
    return pa.Codec("zstd").compress(data, asbytes=True)


def streamed(data, piece=1000):
    """A frame without its size in the header, of several blocks, as the zstd program writes from a pipe."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        for begin in range(0, len(data), piece):
            stream.write(data[begin : begin + piece])
            stream.flush()
        stream.close()
        return sink.getvalue().to_pybytes()


def skippable(data, number=0x184D2A5D):
    return number.to_bytes(4, "little") + len(data).to_bytes(4, "little") + data


def bring_in(tmp_path, data, name="file", **options):
    (tmp_path / name).write_bytes(data)
    store = Store(tmp_path / "parquet")
    return store, import_pages(find_pages([str(tmp_path / name)]), source=SOURCE, store=store, **options)


# WARC files packed with zstd


@pytest.mark.parametrize(
    "data",
    [
        zst(ONE) + zst(TWO),
        zst(ONE + TWO),
        streamed(ONE + TWO),
        streamed(ONE) + skippable(b"") + streamed(TWO) + skippable(b"end"),
        skippable(b"note", 0x184D2A50) + zst(ONE) + zst(TWO),
        skippable(b"a dictionary that no frame needs") + zst(ONE) + zst(TWO),
    ],
)
def test_warc_file_packed_with_zstd_is_read(tmp_path, data):
    store, summary = bring_in(tmp_path, data, "a.warc.zst")
    assert (summary.captures, summary.added, summary.refused) == (2, 10, [])
    rows = fx.load(store)
    assert sorted(set(zip(rows["pair"], rows["rate_text"], rows["change_text"], strict=True))) == sorted(TICKER)


def with_dictionary(frame):
    """The frame with a dictionary's number in its header."""
    descriptor = frame[4]
    at = 5 if descriptor & 0x20 else 6
    return frame[:4] + bytes([descriptor | 1]) + frame[5:at] + b"\x07" + frame[at:]


@pytest.mark.parametrize("begin", [b"", skippable(b"dictionary")])
def test_file_packed_with_a_dictionary_is_named_for_what_it_is(tmp_path, begin):
    _, summary = bring_in(tmp_path, begin + with_dictionary(zst(ONE)), "a.warc.zst")
    [(_, reason)] = summary.refused
    assert "zstd dictionary, which is not supported" in reason


@pytest.mark.parametrize("position", [4, 6, 12, 40, -1])
def test_damaged_frame_is_reported_and_the_others_are_read(position):
    frames = [zst(ONE), bytearray(zst(ONE.replace(b"0.01144", b"0.01145"))), zst(TWO)]
    frames[1][position] ^= 255
    records = list(read_warc(io.BytesIO(b"".join(frames))))
    pages = [record.url for record in records if isinstance(record, WarcPage)]
    assert (pages[0], pages[-1]) == (HOME.url, LAST.url)
    assert next(item.offset for item in records if isinstance(item, DamagedRecord)) == len(frames[0])


def test_no_flipped_bit_of_a_zstd_file_loses_a_record_without_a_word():
    data = streamed(ONE + TWO)
    for position in range(5, len(data), 11):
        broken = bytearray(data)
        broken[position] ^= 0x40
        records = list(read_warc(io.BytesIO(broken)))
        assert len(records) >= 2 or any(isinstance(record, DamagedRecord) for record in records)


def test_address_of_a_record_is_not_printed(tmp_path, capfd):
    _, summary = bring_in(tmp_path, ONE.replace(b"timesca.com/", b"timesca.com/ x", 1), "a.warc")
    assert (summary.captures, capfd.readouterr().err) == (1, "")


def test_truncated_zstd_file_gives_its_whole_records_only():
    data = zst(ONE) + zst(TWO)
    for length in range(len(zst(ONE)) + 1, len(data), 7):
        page, *damaged = read_warc(io.BytesIO(data[:length]))
        assert page.url == HOME.url
        assert [type(item) for item in damaged] == [DamagedRecord]


def test_first_frame_cut_short_is_refused_by_name(tmp_path):
    _, summary = bring_in(tmp_path, zst(ONE)[:-5], "a.warc.zst")
    assert summary.refused[0][1] == "a file packed with zstd that cannot be read: the file is cut short"


def test_zstd_bomb_ends_at_the_limit_of_unpacked_bytes():
    head = b"WARC/1.0\r\nWARC-Type: resource\r\nContent-Length: 100000000\r\n\r\n"
    data = zst(ONE) + zst(head + bytes(100_000_000)) + zst(TWO)
    page, last = read_warc(io.BytesIO(data), packed_slack_bytes=1_000_000)
    assert page.url == HOME.url
    assert last.reason == "the file unpacks to more than the limit: the rest is left out"


def test_frame_of_a_large_window_is_refused():
    frame = bytearray(streamed(b"x"))
    assert not frame[4] & 0x20
    frame[5] = 0xFF
    with pytest.raises(zstd.DamagedZstd, match="window"):
        zstd.unzstd(bytes(frame), 100)


@pytest.mark.parametrize("data", [b"", b"\x28", zst(b"abc")[:-1], zst(b"abc")[:5], zst(b"abc") + b"\x28\xb5"])
def test_zstd_data_that_is_cut_short_is_no_data(data):
    with pytest.raises(CutShort):
        zstd.unzstd(data, 100)


@pytest.mark.parametrize("frame", [zst(b""), skippable(b"")])
def test_endless_frames_without_data_are_refused(tmp_path, frame):
    assert zstd.unzstd(frame * 9_000 + zst(b"end"), 10) == b"end"
    with pytest.raises(zstd.DamagedZstd, match="frames without data"):
        zstd.unzstd(frame * 10_001, 10)


def test_many_small_blocks_are_read_in_linear_time():
    frame = zst(b"")[:4] + b"\x00\x00" + b"\x02\x00\x00a" * 500_000 + b"\x01\x00\x00"
    begin = time.process_time()
    assert len(zstd.unzstd(frame, 10)) <= 10
    assert time.process_time() - begin < 5


# WACZ


def wacz(*members, **options):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", **options) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return data.getvalue()


WACZ = [
    ("datapackage.json", b"{}"),
    ("pages/pages.jsonl", b"{}"),
    ("indexes/index.cdx.gz", gzip.compress(b"x")),
    ("archive/data.warc.gz", gzip.compress(ONE)),
    ("archive/more.WARC", TWO),
]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_wacz_file_is_read(tmp_path, method):
    _, summary = bring_in(tmp_path, wacz(*WACZ, compression=method), "a.wacz")
    assert (summary.captures, summary.added, summary.refused) == (2, 10, [])


def test_no_member_is_written_under_its_name_and_other_folders_are_not_read(tmp_path):
    names = [
        "../archive/a.warc",
        "/archive/a.warc",
        "archive/../../a.warc",
        "archive/x/a.warc",
        "a.warc",
        "archive/a.html",
    ]
    data = wacz(*((name, ONE) for name in names), *WACZ)
    before = sorted(path.name for path in tmp_path.parent.iterdir())
    _, summary = bring_in(tmp_path, data, "a.wacz")
    assert (summary.captures, summary.refused) == (2, [])
    assert sorted(path.name for path in tmp_path.parent.iterdir()) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wacz", "parquet"]


def test_damaged_member_is_named_and_the_others_are_read(tmp_path):
    data = wacz(("archive/a.warc", ONE), ("archive/b.warc", TWO)).replace(b"0.01144", b"0.01145", 1)
    _, summary = bring_in(tmp_path, data, "a.wacz")
    assert (summary.captures, len(summary.refused)) == (1, 1)
    assert summary.refused[0][0].endswith("a.wacz: archive/a.warc")


def test_encrypted_member_is_named(tmp_path):
    data = bytearray(wacz(("archive/a.warc", ONE)))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    data[6] |= 1
    _, summary = bring_in(tmp_path, bytes(data), "a.wacz")
    assert "encrypted" in summary.refused[0][1]


def test_members_unpack_to_the_limit_of_the_whole_file():
    data = wacz(*((f"archive/{name}.warc", bytes(5_000_000)) for name in "ab"), compression=zipfile.ZIP_DEFLATED)
    contents = [content for _, content, _ in warc_files(io.BytesIO(data), slack_bytes=6_000_000)]
    assert not isinstance(contents[0], str)
    assert "unpacks to more than" in contents[1]


def test_bomb_in_a_bomb_ends_at_the_limit(tmp_path):
    head = b"WARC/1.0\r\nWARC-Type: resource\r\nContent-Length: 300000000\r\n\r\n"
    data = wacz(("archive/a.warc.gz", gzip.compress(head + bytes(300_000_000), 1)), compression=zipfile.ZIP_DEFLATED)
    [(_, content, size)] = [(name, content.read(), size) for name, content, size in warc_files(io.BytesIO(data))]
    [record] = read_warc(io.BytesIO(content), packed_bytes=size, packed_slack_bytes=1000)
    assert "more than the limit" in record.reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (wacz(("datapackage.json", b"{}")), "a WACZ file without WARC files"),
        (wacz(("datapackage.json", b"{}"), ("a.wacz", b"")), "a WACZ file of WACZ files: unpack it"),
        (wacz(("page.html", PAGE)), "a ZIP archive: unpack it"),
        (wacz(), "a ZIP archive: unpack it"),
        (wacz(("[Content_Types].xml", b"")), "an Office document"),
        (wacz(*WACZ)[:-30], "a ZIP file that cannot be read"),
    ],
)
def test_zip_file_without_warc_files_is_named_for_what_it_is(tmp_path, data, reason):
    _, summary = bring_in(tmp_path, data)
    assert [reason in given for _, given in summary.refused] == [True]


# Packed files

PACKERS = {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress, "zst": zst}


@pytest.mark.parametrize("ending", PACKERS)
def test_packed_page_is_read(tmp_path, ending):
    _, summary = bring_in(tmp_path, PACKERS[ending](SAVED), f"page.html.{ending}")
    assert (summary.added, summary.refused) == (5, [])


@pytest.mark.parametrize("ending", ["xz", "bz2"])
def test_packed_warc_file_is_read(tmp_path, ending):
    pack = PACKERS[ending]
    _, summary = bring_in(tmp_path, pack(ONE) + pack(TWO) + (bytes(8) if ending == "xz" else b""), f"a.warc.{ending}")
    assert (summary.captures, summary.refused) == (2, [])


def test_file_packed_twice_is_named(tmp_path):
    _, summary = bring_in(tmp_path, gzip.compress(lzma.compress(SAVED)))
    assert summary.refused[0][1] == "a file that is packed twice: unpack it"


@pytest.mark.parametrize("ending", PACKERS)
def test_damaged_packed_file_is_refused_by_name(tmp_path, ending):
    data = PACKERS[ending](SAVED)
    for damaged in (data[:-6], data[: len(data) // 2], data[:30] + b"\xff\xff\xff\xff" + data[34:], data + b"rubbish"):
        _, summary = bring_in(tmp_path, damaged)
        assert summary.added == 0
        assert "cannot be read" in summary.refused[0][1]


@pytest.mark.parametrize("packing", [Packing.XZ, Packing.BZIP2, Packing.GZIP, Packing.ZSTD])
def test_packed_file_unpacks_to_the_limit(packing):
    pack = {Packing.XZ: lzma.compress, Packing.BZIP2: bz2.compress, Packing.GZIP: gzip.compress, Packing.ZSTD: zst}[
        packing
    ]
    with (
        pytest.raises(ParseError, match="unpacks to more than"),
        unpacked(io.BytesIO(pack(bytes(5_000_000))), packing, slack_bytes=100_000),
    ):
        pass


def test_packed_page_on_standard_input_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lzma.compress(SAVED))))
    assert import_pages(find_pages(["-"]), source=SOURCE, store=Store(tmp_path / "parquet")).added == 5


# What the rest is

MHTML = b"""From: <Saved by Blink>
Snapshot-Content-Location: https://timesca.com/
Subject: The Times
MIME-Version: 1.0
Content-Type: multipart/related; type="text/html"; boundary="--x"

----x
Content-Transfer-Encoding: quoted-printable

""" + SAVED.replace(b"0.28571", b"0.285=\r\n71")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (MHTML, "an MHTML file or a mail"),
        (b"\xef\xbb\xbf" + MHTML, "an MHTML file or a mail"),
        (b"\r\n" + MHTML, "an MHTML file or a mail"),
        (b"\r\n" + ONE, "a WARC file with something before its first record"),
        (MHTML.replace(b"\n", b"\r\n"), "an MHTML file or a mail"),
        (b"%PDF-1.7\n" + SAVED, "a PDF document"),
        (b"\x89PNG\r\n\x1a\n", "a picture (PNG)"),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
        (bytes(257) + b"ustar\x0000", "a tar archive"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"bplist00", "a Safari web archive"),
        (b'<?xml version="1.0"?>\n<!DOCTYPE plist><plist>', "a Safari web archive"),
        (b'{"log": {"entries": []}}', "a HAR file"),
        (b"filedesc://a.arc 0.0.0.0", "an ARC file"),
        (b" CDX N b a m s k r M S V g\n", "an index of captures"),
        (b'{"rates": {}}', "JSON, and neither"),
        (b"[]", "JSON, and neither"),
        (b"slot,source,outcome\n2025,timesca,ok\n", "a table as text"),
        (b"\0\1\2" * 100, "a binary file"),
    ],
)
def test_file_of_another_kind_is_named_for_what_it_is(tmp_path, data, reason):
    _, summary = bring_in(tmp_path, data)
    [(_, given)] = summary.refused
    assert given.startswith(reason)
    assert "no ticker" not in given
    assert summary.added == 0


@pytest.mark.parametrize(
    ("payload", "source"),
    [
        ("cbu_all_2026-04-01.json", "cbu"),
        ("nbk_get_rates_2026-04-01.xml", "nbk"),
        ("nbkr_daily_2026-05-24.xml", "nbkr"),
        ("nbt_daily_2026-05-18.xml", "nbt"),
        ("cbr_daily_2026-04-25.xml", "cbr"),
    ],
)
def test_answer_of_a_bank_without_its_name_is_refused_by_naming_the_option(tmp_path, payload, source):
    answer = (Path(__file__).parent / "payloads" / payload).read_bytes()
    _, summary = bring_in(tmp_path, answer)
    assert summary.refused[0][1].endswith("the answer of a bank needs its name, as in `--source cbu`")
    (tmp_path / payload).write_bytes(answer)
    added = CliRunner().invoke(
        app, ["import", str(tmp_path / payload), "--source", source, "--store", str(tmp_path / "b")]
    )
    assert added.exit_code == 0


def test_page_of_the_web_that_begins_as_xml_is_a_page():
    error = NoTicker("no ticker")
    for head in (b'<?xml version="1.0"?>\n<!DOCTYPE html><html>', b'<?xml version="1.0"?><html xmlns="a">'):
        assert named(error, head) is error


def test_packed_parquet_file_is_named(tmp_path):
    _, summary = bring_in(tmp_path, gzip.compress(b"PAR1" + bytes(100)))
    assert summary.refused[0][1] == "a packed Parquet file: unpack it"


def test_random_bytes_are_refused_and_never_raise(tmp_path):
    for begin in (
        b"\x28\xb5\x2f\xfd",
        b"\x5d\x2a\x4d\x18",
        b"PK\x03\x04",
        b"\xfd7zXZ\0",
        b"BZh91AY&SY",
        b"\x1f\x8b\x08\0",
    ):
        _, summary = bring_in(tmp_path, begin + os.urandom(5000))
        assert (summary.added, len(summary.refused)) == (0, 1)


def test_zlib_data_of_no_known_form_is_no_warc_file():
    assert not is_warc(io.BytesIO(zlib.compress(ONE)))
