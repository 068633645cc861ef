"""Network: the only hosts that the configuration lets fxticker contact, and whether their names resolve.

No source gets a request: `fxticker snapshot` makes one.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from threading import Thread
from time import monotonic

from fxticker.config import Settings
from fxticker.doctor.fact import Fact, host_of
from fxticker.errors import ConfigError
from fxticker.fetch.trust import has_system_store, trust_of
from fxticker.store.location import Location
from fxticker.store.s3_location import is_s3

_LOOKUP_S = 10.0
"""Seconds that all lookups together may take: resolvers ask a second time after 5 s (resolv.conf(5))."""
LookUp = Callable[[str, int], object]


def network_facts(
    settings: Settings, store: Location, *, look_up: LookUp = socket.getaddrinfo, within_s: float = _LOOKUP_S
) -> Iterator[Fact]:
    """Yield a fact about each host, and one about the certificates that https servers are checked against.

    Parameters
    ----------
    settings
        The configuration. With a proxy only the proxy's name is looked up: it looks up the others.
    store
        Where the store is: object storage is another host, which the environment names.
    look_up
        Finds the addresses of a host and port; an `OSError` if there are none.
    within_s
        Seconds that all lookups together may take.
    """
    hosts = {host_of(plan.source.url): plan.source.id for plan in settings.planned()}
    if settings.alerts.heartbeat_url is not None:
        hosts.setdefault(host_of(settings.alerts.heartbeat_url), "heartbeat")
    if settings.http.proxy is not None:
        names = ", ".join(f"{_text(*host)} ({what})" for host, what in hosts.items())
        yield Fact("network", "ok", f"through the proxy, which must allow them: {names}")
        hosts = {host_of(settings.http.proxy): "proxy"}
    errors = _lookups(list(hosts), look_up, within_s)
    for (host, port), what in hosts.items():
        text = f"{_text(host, port)} ({what})"
        if (error := errors.get((host, port))) is None:
            yield Fact("network", "ok", f"{text} resolves")
        else:
            yield Fact("network", "fails", f"{text} has no address: {error}")
    if isinstance(settings.store.path, str):
        yield Fact("network", "note", f"the store is {settings.store.path}: its endpoint is that of the environment")
    yield _archives(settings, store)
    yield _certificates(settings)


def _archives(settings: Settings, store: Location) -> Fact:
    archives = settings.archives
    urls = (archives.wayback, archives.commoncrawl_index, archives.commoncrawl_data)
    names = ", ".join(_text(*host_of(url)) for url in urls)
    storage = "that of the object storage, and " if is_s3(store) else ""
    return Fact("network", "ok", f"no other host is contacted, but {storage}by `backfill --from-archive`: {names}")


def _certificates(settings: Settings) -> Fact:
    try:
        trust_of(settings.http.ca_file)
    except ConfigError as error:
        return Fact("trust", "fails", "; ".join(error.problems))
    if settings.http.ca_file is not None:
        return Fact("trust", "ok", "only the certificates of http.ca_file")
    return Fact("trust", "ok", f"the certificates of {'the system' if has_system_store() else 'the package certifi'}")


def _lookups(hosts: list[tuple[str, int]], look_up: LookUp, within_s: float) -> dict[tuple[str, int], str]:
    """Return why hosts have no address; one that hangs is left behind."""
    errors = dict.fromkeys(hosts, f"no answer within {within_s:g} s")

    def ask(host: tuple[str, int]) -> None:
        try:
            look_up(*host)
        except (OSError, UnicodeError) as error:
            errors[host] = str(error)
        else:
            del errors[host]

    threads = [Thread(target=ask, args=(host,), daemon=True) for host in hosts]
    end = monotonic() + within_s
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(end - monotonic(), 0))
    return dict(errors)


def _text(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
