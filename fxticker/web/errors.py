"""Errors of the HTTP API: a status and the message that programs of each shape know, with a reason beside it.

::

    Refused(FxTickerError)     the answer to a request is an error: status, message, and why
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fxticker.errors import FxTickerError, NoData, NotDerivable, StoreError, one_line
from fxticker.model.invalid import InvalidArgument

NOT_FOUND = "not found"
FAULT = "internal error"
MAX_DETAIL = 4000
"""Characters of a reason: one for each of 25 pairs."""


class Refused(FxTickerError):
    """A request gets an error for an answer.

    Attributes
    ----------
    status
        HTTP status.
    message
        Short text, of Frankfurter where it has one for the case.
    detail
        Why, in one line; None if the message is all.
    headers
        Further headers of the answer.
    """

    def __init__(
        self, status: int, message: str, detail: str | None = None, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self.status = status
        self.message = message
        self.detail = detail
        self.headers = headers
        super().__init__(f"{status} {message}" + (f": {detail}" if detail else ""))


def not_found(detail: object) -> Refused:
    """Return the error of a request that nothing stored answers."""
    return Refused(HTTPStatus.NOT_FOUND, NOT_FOUND, one_line(detail, MAX_DETAIL))


def invalid(message: str, detail: object = None) -> Refused:
    """Return the error of a request with an invalid parameter."""
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, message, None if detail is None else one_line(detail, MAX_DETAIL))


def refusal_of(error: FxTickerError | InvalidArgument) -> Refused:
    """Return what an error of the package means for the client."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, NoData | NotDerivable):
        return not_found(error)
    if isinstance(error, InvalidArgument):
        return invalid("invalid parameter", error)
    if isinstance(error, StoreError):
        return Refused(HTTPStatus.SERVICE_UNAVAILABLE, "the store cannot be read", one_line(error))
    return Refused(HTTPStatus.INTERNAL_SERVER_ERROR, FAULT, one_line(error))


def plain(error: Refused) -> dict[str, Any]:
    """Return the body of Frankfurter's version 1: ``{"message": "not found"}``, and the reason."""
    return {"message": error.message} | ({"detail": error.detail} if error.detail else {})


def with_status(error: Refused) -> dict[str, Any]:
    """Return the body of Frankfurter's version 2: status and message, and the reason."""
    return {"status": error.status, **plain(error)}
