"""Trust: which certificate authorities an https server, or proxy, is checked against."""

from __future__ import annotations

import ssl
import stat
from collections.abc import Iterable
from pathlib import Path

import certifi
import httpx
import truststore

from fxticker.errors import ConfigError, one_line

BUNDLES = (
    "/etc/ssl/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/cert.pem",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/ca-bundle.pem",
)
"""Where distributions keep all authorities in one file: truststore looks there if OpenSSL's own places are empty."""


def trust_of(ca_file: Path | None, *, bundles: Iterable[str] = BUNDLES) -> ssl.SSLContext:
    """Returns the TLS settings of a client: certificates and host names are checked.

    Parameters
    ----------
    ca_file
        PEM file of the only authorities that are trusted. `None` for those of the system, which are read again at each
        connection, so that an update of the system needs no restart. Where the system has none, as in a minimal
        container, those of the package certifi are trusted.
    bundles
        As for `has_system_store`.

    Raises
    ------
    ConfigError
        If the file cannot be read or has no certificate.
    """
    if ca_file is not None:
        return _only(ca_file)
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not has_system_store(bundles=bundles):
        context.load_verify_locations(cafile=certifi.where())
    return context


def proxy_of(url: str | None, trust: ssl.SSLContext) -> httpx.Proxy | None:
    """Returns a client's proxy by its URL, which has its user and password, if any; `None` for no URL.

    Raises
    ------
    ConfigError
        If it is not the URL of a host.
    """
    if url is None:
        return None
    try:
        return httpx.Proxy(url, ssl_context=trust if url.lower().startswith("https:") else None)
    except httpx.InvalidURL:
        # without the reason and its cause, which may repeat a password
        raise ConfigError("HTTP client", ["http.proxy: its host is no name or address, or it is too long"]) from None


def has_system_store(*, bundles: Iterable[str] = BUNDLES) -> bool:
    """Whether the system has certificate authorities of its own: in OpenSSL's places, or in one of these files."""
    defaults = ssl.get_default_verify_paths()
    has_folder = defaults.capath is not None and any(Path(defaults.capath).glob("*.0"))  # named by hash, for OpenSSL
    return defaults.cafile is not None or has_folder or any(Path(bundle).is_file() for bundle in bundles)


def _only(ca_file: Path) -> ssl.SSLContext:
    try:
        if not stat.S_ISREG(ca_file.stat().st_mode):  # a pipe would be waited for
            raise ConfigError(one_line(ca_file), ["http.ca_file: is not a regular file"])
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # an SSLError, too
        reason = "has no certificate in PEM" if isinstance(error, ssl.SSLError) else error.strerror or str(error)
        raise ConfigError(one_line(ca_file), [f"http.ca_file: {reason}"]) from error
    if not context.cert_store_stats()["x509"]:
        raise ConfigError(one_line(ca_file), ["http.ca_file: has no certificate in PEM"])
    return context
