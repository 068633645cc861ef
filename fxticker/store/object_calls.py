"""Object calls: the requests that an object storage is made of, with errors of its client mapped to Python's."""

from __future__ import annotations

import contextlib
import errno
import re
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fxticker.store.backend import ABSENT, MAX_OBJECT_BYTES, StoredObject, Version
from fxticker.store.traffic import NAMES_A_LIST, Traffic

if TYPE_CHECKING:
    import pyarrow as pa

_MAX_CAUSE = 200
"""Characters that are kept of the client's message, and of the server's."""
_ROLES = "://169.254."
"""Begin of the addresses at which a machine's role is asked for, where no variable has credentials."""


class ConditionFailed(Exception):
    """The object is not of the version that a request named."""


@dataclass(frozen=True, slots=True)
class ObjectPart:
    """A part of one version of an object.

    Attributes
    ----------
    data
        Its bytes.
    start, size_bytes
        Position of the first of them, and the size of the whole object.
    version
        Version of the object.
    """

    data: bytes
    start: int
    size_bytes: int
    version: Version


class ObjectCalls:
    """The requests to one bucket and prefix; tests replace each by one that fails.

    Every method raises FileNotFoundError, `ConditionFailed`, PermissionError, or an OSError for anything else.

    Parameters
    ----------
    reads
        Client for reads, which may repeat them by itself.
    writes
        Client for writes, which does not: whether a write was done is found out by reading. The same by default.

    Attributes
    ----------
    traffic
        Requests and bytes so far.
    """

    def __init__(self, reads: Any, writes: Any = None) -> None:
        self._reads = reads
        self._writes = reads if writes is None else writes
        self._lock = threading.Lock()
        self.traffic = Traffic()

    def get(
        self, name: str, *, version: Version | None = None, span: tuple[int, int] | None = None, last: int | None = None
    ) -> ObjectPart:
        """Return an object; of a version, a half-open span of it, or its last bytes."""
        import obstore  # here and below, as `s3_location` names the extra where it is missing

        options: Any = {}
        if version is not None:
            options["if_match"] = version[0]
        if span is not None:
            options["range"] = span
        if last is not None:
            options["range"] = {"suffix": last}
        self._count("GET")
        with _mapped():
            result = obstore.get(self._reads, name, options=options)
            if (size := result.range[1] - result.range[0]) > MAX_OBJECT_BYTES:  # which would end the process
                raise OSError(errno.EFBIG, f"{size} bytes: no object of a store is so large")
            data = bytes(result.bytes())
        self._count(received_bytes=len(data))
        return ObjectPart(data, result.range[0], result.meta["size"], _version(result.meta))

    def put(self, name: str, data: bytes | pa.Buffer, expected: Version | None) -> Version:
        """Replace an object if it is of the expected version, and return its version."""
        import obstore

        content = memoryview(data).cast("B")
        self._count("PUT", sent_bytes=len(content))
        mode: Any = "overwrite" if expected is None else "create" if expected == ABSENT else {"e_tag": expected[0]}
        with _mapped():
            # in one request, as a condition is not one of several parts
            return _version(obstore.put(self._writes, name, content, mode=mode, use_multipart=False))

    def list(self, prefix: str) -> Sequence[StoredObject]:
        """Return the objects below a folder, at any depth."""
        import obstore

        self._count("LIST")
        with _mapped():
            found = obstore.list(self._reads, prefix or None).collect()
        self._count("LIST", max(0, len(found) - 1) // NAMES_A_LIST)
        if len({item["path"] for item in found}) < len(found):  # its rows would be read twice
            raise OSError(errno.EPROTO, "the object storage lists an object twice")
        return [StoredObject(item["path"], item["size"], _version(item)) for item in found]

    def folders(self, prefix: str) -> Sequence[str]:
        """Return the paths of the folders directly below a folder."""
        import obstore

        self._count("LIST")
        with _mapped():
            return [str(path) for path in obstore.list_with_delimiter(self._reads, prefix or None)["common_prefixes"]]

    def delete(self, name: str) -> None:
        """Remove an object; a missing one is no error."""
        import obstore

        self._count("DELETE")
        with _mapped(), contextlib.suppress(FileNotFoundError):
            obstore.delete(self._writes, name)

    def _count(self, kind: str = "", number: int = 1, *, received_bytes: int = 0, sent_bytes: int = 0) -> None:
        requests = Counter({kind: number} if kind else {})
        with self._lock:
            self.traffic += Traffic(requests, received_bytes, sent_bytes)


def _version(meta: Any) -> Version:
    """The version of an object: its ETag, which every storage of this kind sends."""
    if meta["e_tag"] is None:
        raise OSError(errno.EPROTO, "the object storage sends no ETag")
    return (str(meta["e_tag"]),)


@contextlib.contextmanager
def _mapped() -> Iterator[None]:
    from obstore.exceptions import (
        AlreadyExistsError,
        BaseError,
        PermissionDeniedError,
        PreconditionError,
        UnauthenticatedError,
    )

    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, "no such object") from error
    except (AlreadyExistsError, PreconditionError) as error:
        raise ConditionFailed from error
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise PermissionError(errno.EACCES, _cause(error)) from error
    except BaseError as error:
        raise OSError(errno.EIO, _cause(error)) from error


def _cause(error: Exception) -> str:
    """The request, with what the server answered or why there was no answer."""
    text, _, details = str(error).partition("Debug source")
    request, _, document = " ".join(text.split()).rpartition("Error performing ")[2].partition("<?xml")
    request = re.sub(r" in [\d.]+\w+(, after \d+ retries, max_retries: \d+, retry_timeout: \w+)? *-", ":", request)
    reason = re.search(r"<Message>(.*?)</Message>", document) or re.search(r'message: "([^"]*)"', details)
    if _ROLES in request:
        request = f"AWS_ACCESS_KEY_ID is not set, and this machine gives no role: {request}"
    return f"{request[:_MAX_CAUSE].strip(': ')}{f': {reason[1][:_MAX_CAUSE]}' if reason else ''}"
