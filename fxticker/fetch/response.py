"""Response: whether its head is accepted, and its body, decoded and bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from fxticker.errors import BadStatus, BodyTooLarge, UnexpectedContent, Unreachable
from fxticker.fetch.content_encoding import codings
from fxticker.fetch.gzip import GzipDecoder
from fxticker.fetch.redirect import redirect_target

if TYPE_CHECKING:
    from fxticker.fetch.client import Request


def check_head(response: httpx.Response, request: Request) -> None:
    """Refuse a response whose status or media type the request does not accept.

    Raises
    ------
    BadStatus, UnexpectedContent
    """
    status = response.status_code
    if status not in request.statuses:
        target = redirect_target(request.url, response.headers.get("location", "")) if response.is_redirect else ""
        raise BadStatus(
            f"status {status} {response.reason_phrase[:60]}".rstrip() + (f", moved to {target}" if target else ""),
            http_status=status,
            retry_after=response.headers.get("retry-after"),
            headers=dict(response.headers),
        )
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_accepted = request.media_types is None or not media_type or media_type in request.media_types
    if response.is_success and not is_accepted:
        raise UnexpectedContent(f"content type {media_type[:60]!r}", http_status=status, headers=dict(response.headers))


async def read_body(response: httpx.Response, max_bytes: int) -> bytes:
    """The decoded body; the transferred bytes have the same limit, so that a compressed body cannot be endless."""
    status = response.status_code
    names = codings(response.headers.get("content-encoding", ""))
    if names not in ([], ["gzip"]):
        raise UnexpectedContent(f"content encoding {', '.join(names)[:60]!r}", http_status=status)
    decoder = GzipDecoder() if names else None
    body = bytearray()
    transferred = 0
    async for chunk in response.aiter_raw():
        transferred += len(chunk)
        body += decoder.decode(chunk, max_bytes + 1 - len(body)) if decoder else chunk
        if max(transferred, len(body)) > max_bytes:
            raise BodyTooLarge(f"the body exceeds {max_bytes} bytes", http_status=status)
    if decoder and (decoder.is_in_member or not transferred):
        raise Unreachable("the compressed body is cut short", http_status=status)
    return bytes(body)
