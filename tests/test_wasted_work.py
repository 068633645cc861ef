"""Reading is resumed after damage at a bounded cost, also where members within each other share one damaged end."""

import gzip
import io
import struct
import zlib
from dataclasses import replace

import pyarrow as pa
import pytest
from archive_server import ArchivedPage, warc_record
from test_stretches import reading, shown

from fxticker.backfill.stretch_chain import StretchChain
from fxticker.backfill.stretches import stretches_of
from fxticker.backfill.warc import MAX_ATTEMPTS, WASTED_WORK, WarcReader, allowance_of, first_record
from fxticker.backfill.warc_page import DamagedRecord, WarcPage
from fxticker.fetch.gzip import GzipReader

PAGE = warc_record(ArchivedPage("20240908120000", "https://timesca.com/", b"<html>About us</html>"))
REFUSAL = "damage takes more reading than the limit: the rest is left out"


def zst(data):
    return pa.compress(data, "zstd", asbytes=True)


def nested_frames(heads, blocks):
    """Frames of which each holds the header of the next one, and whose common blocks end in a bad one."""
    head = b"\x28\xb5\x2f\xfd\x00\x00"
    raw = (len(head) << 3).to_bytes(3, "little")
    return head + (raw + head) * heads + bytes(3) * blocks + b"\x07\0\0\0"


def nested_members(heads, blocks):
    """The same of gzip, in stored blocks."""
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    stored = b"\x00" + struct.pack("<HH", len(head), len(head) ^ 0xFFFF)
    return head + (stored + head) * heads + b"\x00\x00\x00\xff\xff" * blocks + b"\x07"


class CountedFile(io.BytesIO):
    """A file that counts what is read of it."""

    calls = count = 0

    def read(self, size=-1):
        data = super().read(size)
        self.calls, self.count = self.calls + 1, self.count + len(data)
        return data


def items_of(reader):
    return [getattr(item, "reason", "page") for item in reader.records()]


def test_frames_with_a_common_end_are_walked_as_often_as_the_limit_allows():
    file = CountedFile(zst(PAGE) + nested_frames(heads=300, blocks=2000) + zst(PAGE))
    reader = WarcReader(file, allowance=replace(allowance_of(file), wasted_bytes=100_000))
    assert items_of(reader) == ["page", "no zstd block", REFUSAL]
    assert reader.next is None
    assert file.calls < 12_000  # 600,000 without the limit


def test_members_with_a_common_end_are_unpacked_as_often_as_the_limit_allows():
    file = CountedFile(gzip.compress(PAGE) + nested_members(heads=300, blocks=20_000) + gzip.compress(PAGE))
    reader = WarcReader(file, allowance=replace(allowance_of(file), wasted_bytes=1_000_000))
    first, _, last = items_of(reader)
    assert (first, last) == ("page", REFUSAL)
    assert file.count < 4_000_000  # 60,000,000 without the limit


@pytest.mark.parametrize("pack", [gzip.compress, zst])
def test_records_that_span_members_with_a_common_end_are_bounded(pack):
    head = b"WARC/1.0\r\nWARC-Type: resource\r\nContent-Length: 99999999\r\n\r\n"
    file = CountedFile(pack(PAGE) + pack(head) * 300)
    reader = WarcReader(file, allowance=replace(allowance_of(file), wasted_bytes=200_000))
    assert items_of(reader) == ["page", "the file is cut short", REFUSAL]
    assert reader.allowance.attempts > MAX_ATTEMPTS - 30


@pytest.mark.parametrize("pack", [gzip.compress, zst])
def test_every_second_record_damaged_stays_within_the_limit_without_its_slack(pack):
    member = pack(PAGE)
    damaged = member[:20] + bytes([member[20] ^ 0x5A]) + member[21:]
    file = io.BytesIO((damaged + member) * 1000)
    allowance = replace(allowance_of(file), wasted_bytes=WASTED_WORK * len(file.getvalue()))
    items = list(WarcReader(file, allowance=allowance).records())
    assert sum(isinstance(item, WarcPage) for item in items) >= 1000
    assert REFUSAL not in {item.reason for item in items if isinstance(item, DamagedRecord)}


def test_limit_grows_with_the_packed_file():
    file = io.BytesIO(gzip.compress(PAGE))
    size = len(file.getvalue())
    assert allowance_of(file).wasted_bytes == 4 * size + 16_000_000
    assert allowance_of(file, packed_bytes=7).wasted_bytes == 16_000_028


def test_stretches_together_waste_what_the_file_may(tmp_path):
    path = tmp_path / "a.warc.zst"
    part = zst(PAGE) + nested_frames(heads=20, blocks=500) + zst(PAGE)
    path.write_bytes(part * 3)
    with path.open("rb") as file:
        allowance = replace(allowance_of(file), wasted_bytes=250_000)
        whole = items_of(WarcReader(file, allowance=allowance))
    chain = StretchChain(allowance, reading)
    parts = [
        captures for stretch in stretches_of(path, len(part)) for captures in chain.take(stretch, reading(stretch))
    ]
    assert whole == ["page", "no zstd block", "page", "page", "no zstd block", REFUSAL]
    assert [getattr(item, "reason", "page") for item in shown(parts)[0]] == whole


def test_first_record_of_a_stretch_is_sought_in_few_blocks():
    file = CountedFile(zst(PAGE) + nested_frames(heads=50, blocks=20_000))
    assert first_record(file, 1, len(file.getvalue())) is None
    assert file.calls < 60_000  # 1,000,000 without the limit


@pytest.mark.parametrize("read_bytes", [1024, 3072, 64_512])
def test_member_is_verified_before_its_end_is_given_also_if_its_checksum_is_in_the_next_read(read_bytes):
    member = bytearray(gzip.compress(bytes(read_bytes - 15), 0))
    member[-8] ^= 1
    with pytest.raises(zlib.error):
        GzipReader(io.BytesIO(member)).read(65_536)
