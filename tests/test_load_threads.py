"""Threads of loads: many values are loaded in several, few in one, and a forked process has threads of its own."""

import os
import signal
import threading
import warnings
from datetime import timedelta

import pytest
from builders import NOON, FixedClock, tick
from pandas.testing import assert_frame_equal

import fxticker as fx
from fxticker.store import load_threads
from fxticker.store.load_threads import each
from fxticker.store.store import Store


@pytest.fixture
def store(root):
    """Segments of two rows, of two sources and months, with texts that begin in different segments."""
    store = Store(root, clock=FixedClock(NOON, step=timedelta(hours=1)), segment_rows=2)
    for number in range(12):
        at = NOON - timedelta(days=5 * number)
        pairs = ("KZT/USD", "KGS/USD", "UZS/USD")[: 1 + number % 3]
        store.append([tick(pair, f"0.0{number}191", observed_at=at) for pair in pairs])
    store.append([tick("KZT/USD", "0.001915", None, source="nbk", source_date=None)])
    return store


@pytest.fixture
def several_threads(monkeypatch):
    monkeypatch.setattr(load_threads, "FEW_VALUES", 0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})


@pytest.mark.parametrize("chosen", [{}, {"pairs": "KZT"}, {"columns": ["rate", "source"]}, {"bands": True}])
def test_several_threads_load_what_one_does(store, root, request, chosen):
    expected = fx.load(root, **chosen)
    request.getfixturevalue("several_threads")
    for _ in range(5):
        assert_frame_equal(fx.load(root, **chosen), expected)


def threads_of(values):
    together = threading.Barrier(2, timeout=5)  # passes only if two threads arrive

    def work(_):
        if values is None or values > load_threads.FEW_VALUES:
            together.wait()
        return threading.get_ident()

    return set(each(work, range(2), values))


@pytest.mark.usefixtures("several_threads")
def test_what_waits_and_what_is_much_has_several_threads():
    assert threading.get_ident() not in threads_of(None) | threads_of(1)


def test_few_values_are_left_to_the_thread_that_asks():
    assert threads_of(load_threads.FEW_VALUES) == {threading.get_ident()}


@pytest.mark.usefixtures("several_threads")
def test_forked_process_loads_as_well(store, root):
    expected = fx.load(root)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # to fork beside threads is what is tried
        child = os.fork()
    if not child:
        signal.alarm(10)
        os._exit(0 if fx.load(root).equals(expected) else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.usefixtures("several_threads")
def test_of_several_errors_that_of_the_first_item_is_raised():
    both = threading.Barrier(2, timeout=5)

    def work(place):
        if place < both.parties:
            both.wait()
            raise LookupError(place)

    for _ in range(5):
        with pytest.raises(LookupError, match="0"):
            each(work, range(50))
