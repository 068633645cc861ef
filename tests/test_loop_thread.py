"""An interrupt at any moment ends whoever uses the HTTP client: nothing waits for the client's thread without end."""

import asyncio
import json
import sys
import threading

import pytest
from processes import run

from fxticker.fetch import loop_thread
from fxticker.fetch.loop_thread import LoopThread

INTERRUPTED = """
import json, os, signal, sys
import httpx
from fxticker.fetch.client import Fetcher

STRIDE = int(sys.argv[1])
LIMIT_S = 5
TRACED = "fxticker/fetch", "anyio", "asyncio", "concurrent", "contextlib", "threading"

def use():
    answer = httpx.MockTransport(lambda request: httpx.Response(200, stream=httpx.ByteStream(b"page")))
    with Fetcher(timeout_s=5, max_bytes=1000, user_agent="test", transport=answer) as fetch:
        fetch("http://ticker.test/", media_types=frozenset(["text/html"]))

def interrupt_at_line(number):
    left = [number]

    def trace(frame, event, _):
        if not any(name in frame.f_code.co_filename for name in TRACED):
            return None
        left[0] -= event == "line"
        if left[0] == 0:
            left[0] -= 1
            signal.raise_signal(signal.SIGINT)
        return trace

    sys.settrace(trace)
    use()
    sys.settrace(None)
    return left[0] > 0

def child(number):
    signal.alarm(LIMIT_S)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    os._exit(42 if interrupt_at_line(number) else 0)

ended, number = {}, STRIDE
while 42 not in ended.values():
    if (pid := os.fork()) == 0:
        child(number)  # an interrupt's exception ends it by way of the interpreter's whole end
    ended[number] = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    number += STRIDE
print(json.dumps([line for line, code in ended.items() if code == -signal.SIGALRM]))
print(len(ended))
"""


@pytest.mark.parametrize("stride", [107, pytest.param(1, marks=pytest.mark.slow)])
def test_interrupt_at_any_line_of_the_client_ends_the_process(stride):
    hung, played = run([sys.executable, "-c", INTERRUPTED, str(stride)], check=True).stdout.splitlines()
    assert json.loads(hung) == []
    assert int(played) > 1000 / stride


def test_loop_that_a_call_keeps_busy_is_left_after_a_moment(monkeypatch):
    monkeypatch.setattr(loop_thread, "END_S", 0.05)
    loop, free = LoopThread(), threading.Event()

    async def block():
        free.wait(20)

    with pytest.raises(TimeoutError):
        loop.call(block, timeout_s=0.01)
    loop.close()
    assert not free.is_set()
    free.set()


def test_call_under_way_ends_before_the_loop_does():
    loop, begun = LoopThread(), threading.Event()
    results = []

    async def wait():
        begun.set()
        await asyncio.sleep(0.05)
        return "whole"

    caller = threading.Thread(target=lambda: results.append(loop.call(wait)))
    caller.start()
    assert begun.wait(20)
    loop.close()
    caller.join(20)
    assert results == ["whole"]
