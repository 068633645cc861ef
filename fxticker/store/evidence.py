"""Evidence: the pieces of pages that ticks were read from, once per distinct content, named by hash.

An object is the gzip of one JSON line with media type and charset, and the bytes. Its hash is that of the uncompressed
object, so that a piece that several polls showed is stored once, and a damaged one is found.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from fxticker.errors import SegmentUnreadable
from fxticker.model.records import MAX_EVIDENCE_BYTES, Evidence
from fxticker.store.arrow import used_texts
from fxticker.store.backend import StorageBackend, StoredObject
from fxticker.store.segments import SegmentTable

EVIDENCE = "evidence"
EVIDENCE_BYTES = 10_000_000
"""Space on disk of a source's evidence of one year, in bytes; the oldest pieces are deleted beyond it. The packaged
history takes 2 MB a year, 4.5 MB if every day were like its busiest (`benchmarks.evidence_size`)."""
_BLOCK_BYTES = 4_096
"""Least space that a file takes on most file systems. It bounds the number of pieces too, 2,441 a year, which a poll
with a new piece lists."""
_MAX_HEADER_BYTES = 1_000
"""Longest first line: media type and charset have some 30 characters."""
_MAX_OBJECT_BYTES = MAX_EVIDENCE_BYTES + _MAX_HEADER_BYTES
_MAX_FILE_BYTES = 2 * _MAX_OBJECT_BYTES
"""Largest file that is opened: data that cannot be compressed grow by a thousandth."""
_NAME = re.compile(
    r"evidence/source=(?P<source>[a-z][a-z0-9_-]{0,63})/year=(?P<year>[0-9]{4})"
    r"/[0-9]{8}T[0-9]{6}\.[0-9]{6}Z-(?P<sha256>[0-9a-f]{64})\.gz"
)


@dataclass(frozen=True, slots=True)
class EvidenceName:
    """Name of an object of evidence, and its parts."""

    name: str
    source: str
    year: str
    sha256: str


class EvidenceFolder:
    """The evidence of a store.

    Parameters
    ----------
    backend
        Storage of the store.
    """

    def __init__(self, backend: StorageBackend) -> None:
        self._backend = backend
        self._durable: dict[str, set[str]] = {}

    def is_durable(self, source: str, observed_at: datetime, sha256: str) -> bool:
        """Whether this process made an object durable in the folder of a source and year."""
        return sha256 in self._durable.get(_folder(source, observed_at), ())

    def keep(self, source: str, observed_at: datetime, data: bytes, sha256: str) -> None:
        """Make an object durable unless it is already, and delete the oldest ones beyond `EVIDENCE_BYTES`.

        An object that an earlier process left is published once more under its name: that process may have ended
        before it was durable. The caller holds the store's write lock.

        Raises
        ------
        WriteFailed
            If the storage refuses.
        SegmentUnreadable
            If the folder cannot be listed.
        """
        folder = _folder(source, observed_at)
        stored = [item for item in self._backend.list(folder) if name_of(item) is not None]
        name = f"{folder}/{observed_at.year:04}{observed_at:%m%dT%H%M%S.%fZ}-{sha256}.gz"
        name = next((item.name for item in stored if item.name.endswith(f"-{sha256}.gz")), name)
        import gzip  # readers of ticks need neither this nor hashes

        packed = gzip.compress(data, mtime=0)
        self._backend.put(name, packed)
        durable = self._durable.setdefault(folder, set())
        durable.add(sha256)
        others = [item for item in stored if item.name != name]
        for oldest in _beyond_limit([*others, StoredObject(name, len(packed), ())]):
            self._backend.delete(oldest.name)
            durable.discard(oldest.name.rpartition("-")[2].removesuffix(".gz"))

    def names(self, source: str | None = None) -> Iterator[EvidenceName]:
        """Yield the names of all objects, or of one source's, sorted; files with other names are left out.

        Raises
        ------
        SegmentUnreadable
            If a folder cannot be listed.
        """
        for item in self._backend.list(EVIDENCE if source is None else f"{EVIDENCE}/source={source}"):
            if (name := name_of(item)) is not None:
                yield name

    def read(self, name: EvidenceName) -> Evidence:
        """Return a piece of evidence, once its bytes are known to give its hash.

        Raises
        ------
        SegmentUnreadable
            If the file is missing or damaged.
        """
        import hashlib

        with self._backend.open(name.name) as file:
            packed: bytes = file.read(_MAX_FILE_BYTES + 1)
        try:
            unpacker = zlib.decompressobj(wbits=31)
            data = unpacker.decompress(packed, _MAX_OBJECT_BYTES + 1)
        except zlib.error as error:
            raise SegmentUnreadable(name.name, str(error)) from error
        if not unpacker.eof or unpacker.unused_data or hashlib.sha256(data).hexdigest() != name.sha256:
            raise SegmentUnreadable(name.name, "its bytes do not give the hash in its name")
        try:
            return decoded(data)
        except ValueError as error:
            raise SegmentUnreadable(name.name, f"not a piece of evidence: {error}") from error


def missing_evidence(ticks: SegmentTable, folder: EvidenceFolder) -> int:
    """Return how many pieces of evidence ticks name that are not kept: they may have been deleted beyond the limit.

    Raises
    ------
    SegmentUnreadable
        If a file of the ticks is damaged.
    """
    named = {
        (segment.source, sha256)
        for segment in ticks.segments()
        for sha256 in used_texts(ticks.open(segment).read(["evidence"]).column("evidence"))
    }
    return len(named - {(name.source, name.sha256) for name in folder.names()})


def encoded(evidence: Evidence) -> bytes:
    """Return a piece of evidence as the bytes of an object, uncompressed."""
    header = json.dumps({"media_type": evidence.media_type, "charset": evidence.charset})
    return header.encode() + b"\n" + evidence.body


def decoded(data: bytes) -> Evidence:
    """Return the piece of evidence of an uncompressed object.

    Raises
    ------
    ValueError
        If it has no valid first line.
    """
    header, separator, body = data.partition(b"\n")
    if not separator or len(header) > _MAX_HEADER_BYTES:
        raise ValueError("no first line of JSON")
    fields = json.loads(header)
    if not isinstance(fields, dict) or fields.keys() != {"media_type", "charset"}:
        raise ValueError("its first line must have media_type and charset")
    return Evidence(fields["media_type"], fields["charset"], body)


def name_of(item: StoredObject) -> EvidenceName | None:
    """Return the parts of an object's name; None if it is not one of evidence."""
    match = _NAME.fullmatch(item.name)
    return None if match is None else EvidenceName(item.name, match["source"], match["year"], match["sha256"])


def _folder(source: str, observed_at: datetime) -> str:
    return f"{EVIDENCE}/source={source}/year={observed_at.year:04}"


def _beyond_limit(objects: list[StoredObject]) -> Iterator[StoredObject]:
    """The oldest objects beyond the limit; names begin with the instant of the first writing."""
    left = sum(map(_space, objects))
    for item in sorted(objects, key=lambda item: item.name):
        if left <= EVIDENCE_BYTES:
            return
        yield item
        left -= _space(item)


def _space(item: StoredObject) -> int:
    return -(-item.size_bytes // _BLOCK_BYTES) * _BLOCK_BYTES
