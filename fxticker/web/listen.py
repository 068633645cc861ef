"""Listen: the address and port that a server is told to listen on."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address

from fxticker.model.invalid import InvalidArgument

_MAX_PORT = 65_535
_HOST = re.compile(r"\[[0-9a-f:.]+\]|[a-z0-9._-]+", re.ASCII)


def address_of(text: str) -> tuple[str, int]:
    """Return host and port of ``127.0.0.1:8080`` or ``[::1]:8080``; port 0 takes a free one.

    Raises
    ------
    ValueError
        If it is no IP address with a port.
    """
    host, _, port = text.rpartition(":")
    try:
        address = ip_address(host[1:-1] if host.startswith("[") and host.endswith("]") else host)
        number = int(port) if port.isascii() and port.isdigit() else -1
        if 0 <= number <= _MAX_PORT and isinstance(address, IPv6Address) == host.startswith("["):
            return str(address), number
    except ValueError:
        pass
    raise InvalidArgument(f'{text!r} is no address and port such as "127.0.0.1:8080" or "[::1]:8080"')


def is_loopback(host: str) -> bool:
    """Return whether an address is reachable from this machine only."""
    return ip_address(host).is_loopback


def host_of(text: str) -> str:
    """Return a name as a header ``Host`` has it before its port: ``rates.example.org``, ``[2001:db8::1]``.

    Raises
    ------
    ValueError
        If it is none: an address with a scheme, a port or a path would never be the name in a request.
    """
    if _HOST.fullmatch(text.lower()):
        return text.lower()
    raise InvalidArgument(f'{text!r} is no name such as "rates.example.org", without scheme and port')
