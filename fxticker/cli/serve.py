"""The command `serve`: answers from a store over HTTP."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fxticker.cli.options import config_option, past, settings, store_option
from fxticker.errors import MissingExtra

if TYPE_CHECKING:
    from fxticker.store.location import Location

_PACKAGES = ("httptools", "orjson", "starlette", "uvicorn")
DEFAULT_LISTEN = "127.0.0.1:8080"
_NOTE = (
    "note: other machines reach this address. Let a proxy stand before it that has TLS and limits the requests of a "
    "client, and name the proxy's host with --host"
)


def _published(_context: object, _option: object, text: str | None) -> Path | None:
    """Refuse, as wrong usage, a folder that has no page."""
    if text is not None and not (Path(text) / "manifest.json").is_file():
        raise click.BadParameter(f"{text} has no manifest.json: `fxticker publish {text}` writes it")
    return None if text is None else Path(text)


def _address(text: str) -> tuple[str, int]:
    from fxticker.web.listen import address_of

    try:
        return address_of(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--listen") from error


def _hosts(_context: object, _option: object, names: tuple[str, ...]) -> list[str]:
    from fxticker.web.listen import host_of

    try:
        return [host_of(name) for name in names]
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command()
@config_option
@store_option
@click.option("--listen", default=DEFAULT_LISTEN, help="Address and port; one that is not loopback needs a proxy.")
@click.option(
    "--host",
    "hosts",
    multiple=True,
    callback=_hosts,
    help="Also answer to this name in the header Host; may be repeated.",
)
@click.option("--at", callback=past, help="Let now be this instant, or the end of this day, and stand still.")
@click.option("--page", callback=_published, help="Also serve the folder that `fxticker publish` wrote, on /page/.")
def serve(
    config: Path | None, store: Location | None, listen: str, hosts: list[str], at: str | None, page: Path | None
) -> None:
    """Serve the store over HTTP, read-only.

    With the answers of Frankfurter's API, which existing programs read, and the rounding error of each rate. A process
    of its own: it takes no lock, writes nothing, and may run on a copy of the store. SIGTERM and SIGINT end it. Needs
    fxticker[web].
    """
    from fxticker.web.listen import is_loopback

    address = _address(listen)
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise MissingExtra(f"`fxticker serve` needs {', '.join(missing)}", "web")
    from fxticker.daemon.memory import use_few_arenas, use_little_memory

    use_few_arenas()
    use_little_memory()
    from fxticker.model.days import lookup
    from fxticker.store.store import opened
    from fxticker.web.reader import Reader
    from fxticker.web.server import serve as serve_store

    configured = settings(config)
    folder = store if store is not None else configured.store.path
    now = None if at is None else lookup(at, datetime.now(UTC)).upto
    reader = Reader(opened(folder), now=now, order=configured.rate.order, planned=configured.planned())
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    if not is_loopback(address[0]):
        print(_NOTE, file=sys.stderr)

    def announce(url: str) -> None:
        print(f"Serving {folder} on {url}/ until Ctrl-C.", flush=True)
        if now is not None:
            print(f"Now stands still at {now:%Y-%m-%d %H:%M:%S} UTC: nothing later is shown.", flush=True)
        if page is not None:
            print(f"The page of {page} is {url}/page/", flush=True)

    serve_store(reader, address, hosts, announce, page)
