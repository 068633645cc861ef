"""Traffic: what was asked of an object storage, as its operator counts and bills it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

NAMES_A_LIST = 1000
"""Names that one LIST request answers at most, by the definition of S3."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests and bytes.

    Attributes
    ----------
    requests
        Number of requests by kind: ``LIST``, ``GET``, ``PUT``, ``DELETE``. One that the client repeated, as no answer
        came, counts once.
    received_bytes, sent_bytes
        Bytes of objects, without headers and lists.
    """

    requests: Counter[str] = field(default_factory=Counter)
    received_bytes: int = 0
    sent_bytes: int = 0

    def __add__(self, more: Traffic) -> Traffic:
        return Traffic(
            self.requests + more.requests,
            self.received_bytes + more.received_bytes,
            self.sent_bytes + more.sent_bytes,
        )

    def since(self, earlier: Traffic) -> Traffic:
        """Return what came after an earlier count of the same storage."""
        return Traffic(
            self.requests - earlier.requests,
            self.received_bytes - earlier.received_bytes,
            self.sent_bytes - earlier.sent_bytes,
        )

    def __str__(self) -> str:
        """Return for example ``3 LIST, 10 GET, 0.65 MB received``."""
        requests = [
            f"{self.requests[kind]:,} {kind}" for kind in ("LIST", "GET", "PUT", "DELETE") if self.requests[kind]
        ]
        sizes = ((self.received_bytes, "received"), (self.sent_bytes, "sent"))
        return ", ".join([*requests, *(f"{size / 1e6:,.2f} MB {way}" for size, way in sizes if size)])
