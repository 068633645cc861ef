"""Live: every poll reaches a listener once, whatever it missed, and no listener costs the others anything."""

import asyncio
import json
import logging
import threading
from datetime import timedelta

import jsonschema
import pytest
from builders import NOON, FixedClock, cases, snapshot_ticks, tick
from hypothesis import given, settings
from hypothesis import strategies as st
from web_client import Client

from fxticker.errors import FxTickerError, StoreError
from fxticker.model.records import Outcome, Poll, Retraction
from fxticker.store.store import Store
from fxticker.web import live as live_module
from fxticker.web.app import build
from fxticker.web.live import HEARTBEAT_S, MAX_WAITING, Live
from fxticker.web.live_feed import HEARTBEAT, Event, Feed, first_pieces, pieces
from fxticker.web.openapi import document
from fxticker.web.reader import Reader

QUARTER = timedelta(minutes=15)
NOW = NOON + timedelta(days=1)
BACK = cases("live")["back"]


def event(source, slot, recorded_at=None):
    return Event(source, slot, recorded_at or slot, b'"%s %s"' % (source.encode(), f"{slot:%H:%M}".encode()))


def parsed(piece):
    """Kind, id and data of an event's text."""
    fields = dict(line.split(": ", 1) for line in piece.decode().removesuffix("\n\n").split("\n"))
    return fields["event"], fields["id"], json.loads(fields["data"])


HOUR = Feed.of(
    [event("timesca", NOW - number * QUARTER) for number in range(5)] + [event("nbk", NOW - 2 * QUARTER)],
    {"timesca": NOW - timedelta(days=2)},
)


@pytest.mark.parametrize("case", BACK, ids=lambda case: case["id"])
def test_listener_that_comes_back_is_sent_what_it_missed(case):
    found = [parsed(piece) for piece in first_pieces(HOUR, case["id"])]
    if "reset" in case:
        kind, _, data = found.pop(0)
        assert (kind, data["reason"].startswith(case["reset"])) == ("reset", True)
    assert [data for _, _, data in found] == case["sent"]
    assert {kind for kind, _, _ in found} <= {"poll"}


def test_new_listener_begins_with_the_last_event_of_each_source():
    found = [parsed(piece) for piece in first_pieces(HOUR, None)]
    assert [data for _, _, data in found] == ["nbk 11:30", "timesca 12:00"]
    assert list(first_pieces(Feed(), None)) == []


@st.composite
def growing_feeds(draw):
    """Feeds of a store that grows, poll by poll in any order of the sources."""
    last, events = dict.fromkeys("abc", -1), []
    for number, source in enumerate(draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=12))):
        last[source] += draw(st.integers(1, 3))
        events.append(event(source, NOON + last[source] * QUARTER, NOW + timedelta(seconds=number)))
    before = dict.fromkeys(sorted(draw(st.sets(st.sampled_from("abc")))), NOON - QUARTER)
    ends = sorted(draw(st.lists(st.integers(1, len(events)), min_size=1, max_size=4)))
    return [Feed.of(events[:end], before) for end in ends]


def stream(feeds, last_event_id=None):
    """What a listener is sent by these feeds, each piece with the number of its feed."""
    yield from ((0, piece) for piece in first_pieces(feeds[0], last_event_id))
    for number in range(1, len(feeds)):
        known = feeds[number - 1].position
        yield from ((number, piece) for piece in pieces(feeds[number].after(known), known))


@given(growing_feeds(), st.data())
@settings(deadline=None)
def test_stream_that_is_cut_anywhere_and_resumed_has_each_event_once(feeds, data):
    whole = list(stream(feeds))
    cut = data.draw(st.integers(1, len(whole)))
    last_feed, last_piece = whole[cut - 1]
    back = data.draw(st.integers(last_feed, len(feeds) - 1))
    resumed = stream(feeds[back:], parsed(last_piece)[1])
    received = [parsed(piece)[2] for _, piece in [*whole[:cut], *resumed]]
    assert sorted(received) == sorted(parsed(piece)[2] for _, piece in whole)


def test_poll_that_is_recorded_after_a_later_one_is_never_passed_over_in_silence():
    """The poll of 11:15 was under way for so long that the slot after it was an overrun."""
    slots = [NOW - number * QUARTER for number in (4, 3, 2, 1)]
    late = event("timesca", slots[1], slots[2] + timedelta(minutes=1))
    others = [event("timesca", slot) for slot in (slots[0], slots[2])]
    known, newer = Feed.of(others, {}), Feed.of([*others, late], {})
    assert known.why_again(newer) == "timesca: the poll of 2025-11-15T11:15:00Z was recorded after a later one"
    assert newer.why_again(newer) is None
    assert newer.why_not_from({"timesca": slots[2]}) == known.why_again(newer)
    assert newer.why_not_from({"timesca": slots[0]}) is None
    assert newer.why_not_from({"timesca": slots[1]}) is not None
    more = Feed.of([*newer.events, event("timesca", slots[3])], {})
    assert more.why_not_from({"timesca": slots[3]}) is None


def test_feed_reaches_back_a_day():
    old = event("timesca", NOW - timedelta(days=1, seconds=1))
    cut = Feed.of([old, event("timesca", NOW)], {}).cut(NOW)
    assert ([each.slot for each in cut.events], cut.before) == ([NOW], {"timesca": old.slot})


class Scene:
    """A store with a server of it, whose clocks stand still, and without a task that looks at it by itself."""

    def __init__(self, folder, now=None, **limits):
        self.clock = FixedClock(NOON)
        self.store = Store(folder, clock=self.clock)
        self.elapsed_s = 0.0
        self.reader = Reader(self.store, now=now or NOW, relist_s=0)
        self.live = Live(self.reader, pause=asyncio.Event().wait, clock_s=lambda: self.elapsed_s, **limits)

    def poll(self, slot=NOON, outcome=Outcome.OK, detail=None):
        self.clock.at = slot
        ticks = snapshot_ticks(slot + timedelta(seconds=2)) if outcome is Outcome.OK else []
        self.store.append(ticks)
        poll = Poll("timesca", slot, outcome, started_at=slot, duration_ms=1900, ticks=len(ticks), detail=detail)
        self.store.record([poll])


@pytest.fixture
def scene(tmp_path):
    scene = Scene(tmp_path / "parquet")
    scene.poll()
    return scene


async def taken(listener, count=1):
    return [await asyncio.wait_for(listener.next(), 5) for _ in range(count)]


def test_listeners_are_told_of_a_new_poll_with_its_rates(scene):
    async def listen():
        async with scene.live.listening(None) as first, scene.live.listening(None) as second:
            (before,) = await taken(first)
            scene.poll(NOON + QUARTER)
            scene.poll(NOON + 2 * QUARTER, Outcome.TIMEOUT, "30 s\n\nid: 17")
            await scene.live.look()
            pieces_of_second = await taken(second, 3)
            assert [before, *await taken(first, 2)] == pieces_of_second
            return [parsed(piece) for piece in pieces_of_second]

    *_, (_, _, read), (kind, last_id, failed) = asyncio.run(listen())
    assert (read["slot"], read["outcome"], len(read["rates"])) == ("2025-11-14T12:15:00Z", "ok", 5)
    schema = {"components": document()["components"], "$ref": "#/components/schemas/LivePoll"}
    for data in (read, failed):
        jsonschema.Draft202012Validator(schema).validate(data)
    expected = {"pair": "KZT/USD", "rate_text": "0.00191", "nominal": 1, "rate_lo": "0.001905", "rate_hi": "0.001915"}
    row = read["rates"][1]
    assert {name: row[name] for name in expected} == expected
    assert (row["observed_at"], row["source"]) == ("2025-11-14T12:15:02Z", "timesca")
    assert (kind, last_id, failed["outcome"]) == ("poll", "timesca=2025-11-14T12:30:00Z", "timeout")
    assert (failed["rates"], failed["detail"]) == ([], "30 s\n\nid: 17")


def test_listener_who_takes_nothing_is_dropped_alone(scene, caplog):
    async def listen():
        async with scene.live.listening(None) as slow, scene.live.listening(None) as quick:
            await taken(quick)
            for number in range(MAX_WAITING + 1):
                scene.elapsed_s += HEARTBEAT_S
                scene.live.beat()
                scene.live.beat()
                assert await taken(quick) == [HEARTBEAT], number
            assert (await slow.next(), len(scene.live)) == (None, 1)

    with caplog.at_level(logging.WARNING):
        asyncio.run(listen())
    assert f"listeners are dropped, as {MAX_WAITING} events wait for each: 1" in caplog.text
    assert len(scene.live) == 0


def test_too_many_listeners_are_refused(tmp_path):
    scene = Scene(tmp_path / "parquet", most=1)

    async def listen():
        async with scene.live.listening(None):
            with pytest.raises(FxTickerError, match="503 busy: there may be 1 listeners"):
                async with scene.live.listening(None):
                    pass
        async with scene.live.listening(None):
            return len(scene.live)

    assert asyncio.run(listen()) == 1


def test_listeners_who_wait_for_the_store_share_its_error(scene, monkeypatch):
    begun, done, looks = threading.Event(), threading.Event(), []

    def broken(*_):
        looks.append(begun.set())
        assert done.wait(10)
        raise StoreError("its disk is gone")

    monkeypatch.setattr("fxticker.web.live.feed_of", broken)

    async def come():
        async with scene.live.listening(None):
            pytest.fail("there is nothing to hear")

    async def run():
        coming = [asyncio.ensure_future(come()) for _ in range(5)]
        await asyncio.to_thread(begun.wait, 10)
        done.set()
        return await asyncio.gather(*coming, return_exceptions=True)

    assert ([str(each) for each in asyncio.run(run())], len(looks)) == (["its disk is gone"] * 5, 1)


def test_retracted_ticks_are_not_sent_again_and_listeners_are_told(scene):
    row = tick(observed_at=NOON + timedelta(seconds=2))
    gone = Retraction("timesca", row.pair, row.observed_at, row.rate_text, row.change_text, 2, "misread")

    async def listen():
        async with scene.live.listening(None) as listener:
            await taken(listener)
            scene.store.retract([gone])
            await scene.live.look()
            told = await taken(listener)
            async with scene.live.listening(None) as other:
                return [parsed(piece) for piece in [*told, *await taken(other)]]

    (kind, last_id, data), (_, _, again) = asyncio.run(listen())
    assert (kind, last_id, data) == ("reset", "timesca=2025-11-14T12:00:00Z", {"reason": "ticks were retracted"})
    assert [rate["pair"] for rate in again["rates"]] == ["KGS/USD", "TJS/USD", "TMT/USD", "UZS/USD"]


def test_server_whose_now_stands_still_sends_what_there_is_and_then_only_heartbeats(tmp_path):
    scene = Scene(tmp_path / "parquet", now=NOON + QUARTER)
    for number in range(3):
        scene.poll(NOON + number * QUARTER)

    async def listen():
        async with scene.live.listening("timesca=2025-11-14T12:00:00Z") as listener:
            scene.poll(NOON + 3 * QUARTER)
            await scene.live.look()
            scene.elapsed_s = HEARTBEAT_S
            scene.live.beat()
            return await taken(listener, 2)

    event_piece, heartbeat = asyncio.run(listen())
    assert (parsed(event_piece)[1], heartbeat) == ("timesca=2025-11-14T12:15:00Z", HEARTBEAT)


def test_store_that_cannot_be_read_for_a_while_ends_no_stream(scene, monkeypatch, caplog):
    pauses, looks = asyncio.Queue(), asyncio.Queue()

    async def pause():
        pauses.put_nowait(None)
        await looks.get()

    def broken(*_):
        raise OSError("the disk is gone")

    async def listen():
        async with Live(scene.reader, pause=pause).listening(None) as listener:
            await taken(listener)
            await pauses.get()
            scene.poll(NOON + QUARTER)
            monkeypatch.setattr(live_module, "feed_of", broken)
            for _ in range(2):
                looks.put_nowait(None)
                await asyncio.wait_for(pauses.get(), 5)
            monkeypatch.undo()
            looks.put_nowait(None)
            return parsed((await taken(listener))[0])

    with caplog.at_level(logging.WARNING):
        assert asyncio.run(listen())[1] == "timesca=2025-11-14T12:15:00Z"
    assert caplog.text.count("the disk is gone") == 1


def test_answer_is_an_event_stream_until_the_server_ends(scene):
    app = build(scene.reader, live=scene.live)
    sent = []

    async def send(message):
        sent.append(message)
        if message.get("more_body"):
            scene.live.close()

    async def ask():
        headers = [(b"host", b"localhost"), (b"last-event-id", b"17")]
        scope = {"type": "http", "method": "GET", "path": "/live", "query_string": b"", "headers": headers}
        await app(scope, asyncio.Event().wait, send)

    asyncio.run(ask())
    start, first, end = sent
    assert dict(start["headers"])[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert dict(start["headers"])[b"cache-control"] == b"no-store"
    assert parsed(first["body"])[0] == "reset"
    assert (end.get("body", b""), end.get("more_body", False), len(scene.live)) == (b"", False, 0)


def test_head_and_parameters_that_mean_nothing(scene):
    client = Client(scene.store, NOW)
    answer = client.send("HEAD", "/live")
    assert (answer.status_code, answer.content) == (200, b"")
    refused = client.get("/live?providers=timesca")
    assert (refused.status_code, refused.json()["message"]) == (422, "unknown parameter: providers")
