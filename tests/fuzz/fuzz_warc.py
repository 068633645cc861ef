"""Fuzz the reader of WARC files: any bytes are pages, revisits, skipped records and damaged ones."""

import gzip
import io
import logging
from pathlib import Path

from fuzzing import fuzz, instrumented

with instrumented():
    from fxticker.backfill.warc import read_warc
    from fxticker.backfill.warc_page import DamagedRecord, Revisit, SkippedRecord, WarcPage

_RECORD = (Path(__file__).parent.parent / "payloads" / "commoncrawl_record.warc.gz").read_bytes()
_PLAIN = gzip.decompress(_RECORD)
_SMALL = (
    b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://timesca.com/\r\nWARC-Date: 2025-11-14T12:00:00Z\r\n"
    b"Content-Type: application/http; msgtype=response\r\nContent-Length: %d\r\n\r\n%b\r\n\r\n"
)
_ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>page</p>",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npage\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"page"),
]
_RECORDS = [_SMALL % (len(answer), answer) for answer in _ANSWERS]
SEEDS = [_RECORD, _PLAIN, *_RECORDS, b"".join(_RECORDS), *map(gzip.compress, _RECORDS)]
TOKENS = [
    *(
        b"WARC/1.0\r\n",
        b"WARC/1.1\r\n",
        b"WARC-Type: revisit\r\n",
        b"WARC-Date: ",
        b"Content-Length: ",
        b"\r\n\r\n",
        b"-1",
    ),
    *(b"WARC-Block-Digest: sha1:", b"WARC-Payload-Digest: ", b"HTTP/2.0 200\r\n", b"Transfer-Encoding: chunked\r\n"),
    *(b"Content-Encoding: deflate\r\n", b"Content-Encoding: br\r\n", b"Content-Encoding: zstd\r\n", b"\x1f\x8b\x08"),
    *(b"WARC-Refers-To-Target-URI: ", b"https://timesca.com/", b"\xd0\xb0", b"(\xb5/\xfd", b"2025-11-14T12:00:00Z"),
]


def check(data):
    for record in read_warc(io.BytesIO(data)):
        assert isinstance(record, (WarcPage, Revisit, SkippedRecord, DamagedRecord)), record


if __name__ == "__main__":
    logging.disable()  # warcio warns of addresses with spaces
    fuzz(check, SEEDS, TOKENS)
