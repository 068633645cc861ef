"""The HTTP side of tests: a server on loopback that can break the protocol, and one without a network."""

import contextlib
import socket
import urllib.error
import urllib.request

import httpx

from fxticker.fetch.client import Fetcher, Response
from fxticker.simulation.loopback_server import LoopbackServer as RawServer

__all__ = ["FakeFetch", "RawServer", "fetched", "fetcher", "get", "refusing_url", "response", "responses"]


@contextlib.contextmanager
def refusing_url():
    """A loopback address where nothing listens; the port is reserved meanwhile."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{closed.getsockname()[1]}/"


def fetcher(handler=None, **changes):
    """A client; `handler` answers its requests in place of a network: one as `httpx.MockTransport` takes."""
    options = {"timeout_s": 10, "max_bytes": 100_000, "user_agent": "fxticker/test (loopback)", "retry_pauses_s": ()}
    transport = None if handler is None else httpx.MockTransport(handler)
    return Fetcher(transport=transport, **{**options, **changes})


def named(headers):
    return {name.replace("_", "-"): value for name, value in headers.items()}


def response(*chunks, status=200, **headers):
    """A response of httpx for one request, whose body comes in these chunks, undecoded."""

    async def body():
        for chunk in chunks:
            yield chunk

    return httpx.Response(status, headers=named({"content_type": "text/html", **headers}), content=body())


def responses(*answers):
    """A handler that gives each answer once (a response, or an error that it raises), and its list of requests."""
    requests = []

    def handle(request):
        answer = answers[len(requests)]
        requests.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return handle, requests


def fetched(body=None, **headers):
    """What a fetch returns for this body, or for "not modified" if there is none."""
    return Response(body or b"", named(headers), 304 if body is None else 200, 1)


class FakeFetch:
    """A fetch in place of a client: returns or raises each answer once and the last one again.

    Attributes
    ----------
    requests
        Address and media types of each request.
    conditions
        Conditions of each request.
    """

    def __init__(self, *answers):
        self.answers = answers
        self.requests = []
        self.conditions = []

    def __call__(self, url, *, media_types, conditions):
        answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
        self.requests.append((url, media_types))
        self.conditions.append(conditions)
        if isinstance(answer, Exception):
            raise answer
        return answer


def get(url, method="GET", **headers):
    """Status, type and body of an answer."""
    request = urllib.request.Request(url, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.headers["Content-Type"], answer.read().decode()
