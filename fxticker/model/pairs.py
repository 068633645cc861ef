"""Currency pairs: base and quote, the inverse pair, and the stored pairs that a cross rate is made of."""

from __future__ import annotations

import re

from fxticker.model.invalid import InvalidArgument

COMMON = "USD"
"""The currency of most cross rates: the ticker has every currency against it."""
THROUGH = (COMMON, "RUB")
"""Common currencies of cross rates, in this order: the Bank of Russia states all rates against its own currency."""
_CODES = re.compile(r"([A-Z]{3})([A-Z]{3})?")
"""Currency codes of ISO 4217, written without a slash."""


def pair_of(text: str) -> str:
    """Return the pair that a text names: ``KZT/USD`` for ``kzt/usd``, ``KZTUSD`` and ``KZT``.

    A currency alone is meant against USD, in the direction of the ticker.

    Raises
    ------
    ValueError
        If the text names no pair of two currencies.
    """
    name = "".join(text.split()).upper()
    codes = _CODES.fullmatch(name)
    pair = f"{codes[1]}/{codes[2] or COMMON}" if codes else name
    try:
        currencies_of(pair)
    except ValueError as error:
        raise InvalidArgument(f'{text!r} is no pair of two currencies such as "KZT/USD", "KZTUSD" or "KZT"') from error
    return pair


def legs_of(pair: str) -> list[str]:
    """Return the stored pairs, in either direction, that a pair can be made of.

    Raises
    ------
    ValueError
        If the text is no pair of two currencies.
    """
    base, quote = currencies_of(pair)
    legs = {(base, quote), *((currency, common) for currency in (base, quote) for common in THROUGH)}
    return [f"{a}/{b}" for left, right in legs if left != right for a, b in ((left, right), (right, left))]


def currencies_of(pair: str) -> tuple[str, str]:
    """Return base and quote of a pair.

    Raises
    ------
    ValueError
        If the text is no pair of two currencies.
    """
    base, slash, quote = pair.partition("/")
    if not (base and slash and quote) or "/" in quote or base == quote:
        raise InvalidArgument(f'{pair!r} is no pair of two currencies such as "KZT/USD"')
    return base, quote


def inverse_of(pair: str) -> str:
    """Return the inverse pair: ``USD/KZT`` for ``KZT/USD``.

    Raises
    ------
    ValueError
        As `currencies_of`.
    """
    base, quote = currencies_of(pair)
    return f"{quote}/{base}"


def directed(pair: str, *, per_usd: bool = False) -> str:
    """Return a pair against USD in the direction of all pairs of one answer; other pairs as they are.

    Parameters
    ----------
    pair
        ``KZT/USD`` or ``USD/KZT``.
    per_usd
        Units per USD, ``USD/KZT``, in place of the direction of the ticker, ``KZT/USD``.
    """
    base, quote = currencies_of(pair)
    is_turned = (quote if per_usd else base) == COMMON
    return f"{quote}/{base}" if is_turned else pair
