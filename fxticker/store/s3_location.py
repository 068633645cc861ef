"""S3 location: the object storage of an ``s3://bucket/prefix`` URL, with the environment's credentials."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from fxticker.errors import MissingExtra, StoreError, one_line
from fxticker.store.nested import TABLES

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
_LAST_PORT = 65_535
_URL = r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?P<prefix>(?:/[A-Za-z0-9!_.*'()=+@-]+)*)/?"
"""A bucket's name by the rules of S3, and a prefix of characters that every storage takes as they are. It is compiled
when it is needed: commands that read a folder import this module, too."""
_OTHER_URL = r"\s*(s3:|[A-Za-z][A-Za-z0-9+.-]+:/).*"
"""A URL, also one that lost a slash as a `Path`: no folder that a person means begins so."""
_ENDPOINT = r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?(?:/[A-Za-z0-9._~/-]*)?"
"""Without user and password, which the client would put into its messages; it panics at what is no URL."""


def is_s3(location: object) -> bool:
    """Whether a location is a URL of an object storage."""
    return str(location).startswith(SCHEME)


def s3_url(location: object) -> str | None:
    """Return the URL of an object storage without a slash at its end; None for a folder.

    Raises
    ------
    ValueError
        If it is a URL that names no bucket, or a prefix that is none; if it is another URL, which would be created as a
        folder.
    """
    text = str(location)
    if not is_s3(location):
        if re.fullmatch(_OTHER_URL, text, re.DOTALL):
            raise ValueError(f"must be a folder, or a URL that begins with {SCHEME}")
        return None
    match = re.fullmatch(_URL, text)
    if match is None or {".", ".."} & {*match["prefix"].split("/")}:
        raise ValueError("must be s3://bucket or s3://bucket/prefix, without user, password, query or spaces")
    return text.rstrip("/")


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
        url = s3_url(location)
    except ValueError as error:  # without the URL, in which somebody may have put a password
        raise StoreError(f"the URL of a store {error}") from error
    assert url is not None
    match = re.fullmatch(_URL, url)
    assert match is not None
    try:
        from obstore.exceptions import BaseError
        from obstore.store import S3Store

        from fxticker.store.object_calls import ObjectCalls
        from fxticker.store.object_storage import ObjectStorage
    except ImportError as error:
        raise MissingExtra(f"{location}: object storage needs the package obstore", "s3") from error
    endpoint = _checked_endpoint()
    options: dict[str, Any] = {
        "bucket": match["bucket"],
        "prefix": match["prefix"].strip("/") or None,
        "disable_bulk_delete": True,  # one request an object, which every storage understands
        "client_options": {
            "allow_http": endpoint.startswith("http://"),
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
    return ObjectStorage(ObjectCalls(reads, writes), url, lambda: map(s3_storage, _near(url)))


def _near(url: str) -> Iterator[str]:
    """The prefixes above, the bucket last, and those of the tables."""
    above = url
    while above.count("/") > SCHEME.count("/"):
        above = above.rpartition("/")[0]
        yield above
    for table in TABLES:
        yield f"{url}/{table}"


def _checked_endpoint() -> str:
    """The endpoint in the environment, empty if there is none; its variables are such that the client can take them."""
    for name, value in os.environ.items():
        if name.startswith("AWS_") and not value.isprintable():
            raise StoreError(f"{name} has a line break or another character that no HTTP header may have")
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    name, endpoint = next(((name, os.environ[name]) for name in names if os.environ.get(name)), ("", ""))
    match = re.fullmatch(_ENDPOINT, endpoint or "https://none")
    if match is None or int(match["port"] or 0) > _LAST_PORT:
        raise StoreError(f"{name} must be http://HOST:PORT or https://HOST, without user and password")
    return endpoint
