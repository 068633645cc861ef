"""S3 location: the object storage of an ``s3://bucket/prefix`` URL, with the environment's credentials."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from fxticker.errors import MissingExtra, StoreError, one_line

if TYPE_CHECKING:
    from fxticker.store.object_storage import ObjectStorage

SCHEME = "s3://"
CONNECT_S = 5.0
"""Seconds to connect."""
REQUEST_S = 15.0
"""Seconds of one whole request: a segment of 2 MB at 2 Mbit/s."""
READ_RETRIES = 2
"""How often a failed read is repeated, within `READ_S`. Writes are repeated by `put_settled`."""
READ_S = 20.0
"""Seconds after which a read is not repeated any more."""
_URL = r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?P<prefix>(?:/[A-Za-z0-9!_.*'()=+@-]+)*)/?"
"""A bucket's name by the rules of S3, and a prefix of characters that every storage takes as they are. It is compiled
when it is needed: commands that read a folder import this module, too."""


def is_s3(location: object) -> bool:
    """Whether a location is a URL of an object storage."""
    return str(location).startswith(SCHEME)


def checked_s3(location: str) -> str:
    """Return the URL without a slash at its end.

    Raises
    ------
    ValueError
        If it names no bucket, or a prefix that is none.
    """
    match = re.fullmatch(_URL, location)
    if match is None or {".", ".."} & {*match["prefix"].split("/")}:
        raise ValueError("must be s3://bucket or s3://bucket/prefix, without user, password, query or spaces")
    return location.rstrip("/")


def s3_storage(location: str) -> ObjectStorage:
    """Return the backend of a URL.

    Endpoint, region and credentials are those of the variables that Amazon's programs read (``AWS_ENDPOINT_URL``,
    ``AWS_REGION``, ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_SESSION_TOKEN`` and others), or what the
    machine's role gives. Nothing of them is logged. Plain HTTP is used only with an endpoint that is such a URL.

    Raises
    ------
    StoreError
        If the URL or a variable is invalid.
    MissingExtra
        If the client is not installed.
    """
    try:
        match = re.fullmatch(_URL, checked_s3(location))
    except ValueError as error:
        raise StoreError(f"{location[:200]!r}: {error}") from error
    assert match is not None
    try:
        from obstore.exceptions import BaseError
        from obstore.store import S3Store

        from fxticker.store.object_calls import ObjectCalls
        from fxticker.store.object_storage import ObjectStorage
    except ImportError as error:
        raise MissingExtra(f"{location}: object storage needs the package obstore", "s3") from error
    options: dict[str, Any] = {
        "bucket": match["bucket"],
        "prefix": match["prefix"].strip("/") or None,
        "disable_bulk_delete": True,  # one request an object, which every storage understands
        "client_options": {
            "allow_http": _endpoint().startswith("http://"),
            "connect_timeout": timedelta(seconds=CONNECT_S),
            "timeout": timedelta(seconds=REQUEST_S),
        },
    }
    try:
        reads, writes = (
            S3Store(**options, retry_config={"max_retries": retries, "retry_timeout": timedelta(seconds=READ_S)})
            for retries in (READ_RETRIES, 0)
        )
    except (BaseError, ValueError) as error:
        reason = str(error).partition("Debug source")[0].removeprefix("Generic S3 error: ")
        raise StoreError(f"{location}: {one_line(reason)}") from error
    return ObjectStorage(ObjectCalls(reads, writes), checked_s3(location))


def _endpoint() -> str:
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    return next((os.environ[name] for name in names if os.environ.get(name)), "")
