"""Private network: a server under the names of the services that programs ask, where no other host can be reached.

It is a network and a mount namespace of its own, which has loopback only, and an ``/etc/hosts`` that leads those names
there. In front of ``fxticker serve``, which listens on loopback as ever, stands what ends TLS, as a proxy would.
"""

import asyncio
import ssl
import subprocess
import sys
from pathlib import Path

NAMES = ("api.frankfurter.dev", "openexchangerates.org", "data.fixer.io", "api.apilayer.com", "theratesapi.com")
"""Hosts that the programs have built in."""
BACKEND = ("127.0.0.1", 8080)
HTTP, HTTPS = 80, 443


def enter(folder, replaced):
    """Bring loopback up and put files of `folder` in the place of others, both in this namespace only."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for name, place in replaced.items():
        subprocess.run(["mount", "--bind", folder / name, place], check=True)


def started(store, now):
    """Start the server, and return it when it answers."""
    hosts = [argument for name in NAMES for argument in ("--host", name)]
    listen = "{}:{}".format(*BACKEND)
    command = [sys.executable, "-m", "fxticker", "serve", "--store", store, "--at", now, "--listen", listen, *hosts]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout.readline().startswith(b"Serving"), "the server does not start"
    return process


async def pass_on(reader, writer):
    """Pass bytes on until they end."""
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def accept(reader, writer):
    """Connect a client with the server."""
    back_reader, back_writer = await asyncio.open_connection(*BACKEND)
    await asyncio.gather(pass_on(reader, back_writer), pass_on(back_reader, writer))


async def front(certificate):
    """Listen with TLS and without until standard input ends."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    servers = [
        await asyncio.start_server(accept, BACKEND[0], HTTPS, ssl=tls),
        await asyncio.start_server(accept, BACKEND[0], HTTP),
    ]
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for server in servers:
        server.close()


def main(folder, store, now, *places):
    """Serve until standard input ends; each further argument names a file of the folder and what it replaces."""
    enter(folder, dict(place.split("=", 1) for place in places))
    server = started(store, now)
    try:
        asyncio.run(front(folder / "server.pem"))
    finally:
        server.terminate()
        server.wait(10)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
