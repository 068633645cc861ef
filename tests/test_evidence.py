"""Evidence: the piece of an answer is kept once, before its ticks, and read back only if its bytes give its hash."""

import errno
import gzip
import hashlib
import os
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from builders import NOON, PRINTED_TICKS, FixedClock, snapshot_ticks
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from laws import steps
from servers import FakeFetch, fetched
from store_faults import FaultyCalls

import fxticker as fx
from fxticker.backfill.page_files import FilePage
from fxticker.backfill.saved_pages import import_pages
from fxticker.cli import app
from fxticker.collect.backoff import SourceState
from fxticker.collect.poll import collect_once
from fxticker.errors import SegmentUnreadable, StoreError, WriteFailed
from fxticker.model.records import MAX_EVIDENCE_BYTES, Evidence, Outcome
from fxticker.simulation.site import render_html, render_text
from fxticker.sources.evidence import evidence_of
from fxticker.sources.source import whole_answer
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.evidence import decoded, encoded
from fxticker.store.local import LocalStorage
from fxticker.store.store import Store

QUARTER = timedelta(minutes=15)
TODAY = NOON.date()
PIECE = Evidence("text/html", "utf-8", b"<p>KGS/USD = 0.01144 0%</p>")
WHOLE = replace(SOURCE, evidence=whole_answer)
"""The ticker's source, which keeps whole answers."""
PAGE = render_text(PRINTED_TICKS, TODAY).encode()
OTHER = PAGE.replace(b"0.10840", b"0.10841").replace(b"0.37%", b"0%")


class Died(BaseException):
    """The process ends here."""


def kept(root):
    return sorted(str(path.relative_to(root)) for path in root.glob("evidence/*/*/*"))


def hash_in(name):
    return name[-67:-3]


def hashes(root):
    return fx.load(root, columns=["evidence"])["evidence"].dropna().unique().tolist()


def collect(store, answer, *, slot=NOON, source=WHOLE, state=None):
    return collect_once(source, slot, fetch=FakeFetch(answer), store=store, clock=FixedClock(slot), state=state)


# objects


def test_object_is_a_line_of_json_and_the_bytes_and_its_hash_is_theirs(store, root):
    sha256 = store.keep_evidence("timesca", NOON, PIECE)

    [name] = kept(root)
    assert name == f"evidence/source=timesca/year=2025/20251114T120000.000000Z-{sha256}.gz"
    data = gzip.decompress((root / name).read_bytes())
    assert data == b'{"media_type": "text/html", "charset": "utf-8"}\n' + PIECE.body
    assert sha256 == hashlib.sha256(data).hexdigest()
    [found] = store.evidence.names("timesca")
    assert store.evidence.read(found) == PIECE
    assert store.check() == []


@given(st.binary(max_size=300), st.sampled_from(["text/html", None]), st.sampled_from(["windows-1251", None]))
def test_object_gives_its_evidence_back(body, media_type, charset):
    evidence = Evidence(media_type, charset, body)
    assert decoded(encoded(evidence)) == evidence


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"{}\nbody",
        b"[]\nbody",
        b"no json\nbody",
        b'{"media_type": 1, "charset": null}\nbody',
        b'{"media_type": "text/html\\u001b[2J", "charset": null}\nbody',
        b'{"media_type": null, "charset": "a b"}\nbody',
        b'{"media_type": null, "charset": null, "more": 1}\nbody',
        b" " * 1_001 + b'{"media_type": null, "charset": null}\nbody',
        b'{"media_type": null, "charset": null}\n' + b"x" * (MAX_EVIDENCE_BYTES + 1),
    ],
)
def test_bytes_that_are_no_evidence_are_refused(data):
    with pytest.raises(ValueError):  # noqa: PT011  json has its own messages
        decoded(data)


def test_piece_is_written_once_by_any_number_of_polls_and_processes(store, root):
    names = {store.keep_evidence("timesca", NOON + number * QUARTER, PIECE) for number in range(3)}
    names.add(Store(root).keep_evidence("timesca", NOON + 5 * QUARTER, PIECE))

    assert [hash_in(name) for name in kept(root)] == [*names]
    assert "20251114T120000" in kept(root)[0]


def test_piece_is_kept_for_each_source_and_year(store, root):
    for source, at in (("timesca", NOON), ("cbu", NOON), ("timesca", NOON + timedelta(days=60))):
        store.keep_evidence(source, at, PIECE)

    assert [name.rpartition("/")[0] for name in kept(root)] == [
        "evidence/source=cbu/year=2025",
        "evidence/source=timesca/year=2025",
        "evidence/source=timesca/year=2026",
    ]


def test_known_piece_is_not_looked_up_on_disk(store, monkeypatch):
    store.keep_evidence("timesca", NOON, PIECE)
    monkeypatch.setattr(store.backend, "list", lambda prefix: pytest.fail("the folder was listed"))

    store.keep_evidence("timesca", NOON + QUARTER, PIECE)


def test_oldest_pieces_give_way_beyond_the_limit_of_a_source_and_year(store, root, monkeypatch):
    monkeypatch.setattr("fxticker.store.evidence.EVIDENCE_BYTES", 14_000)
    noise = random.Random(1)
    pieces = [Evidence(None, None, noise.randbytes(1_000)) for _ in range(5)]
    for number, piece in enumerate(pieces):
        store.keep_evidence("timesca", NOON + number * QUARTER, piece)
    store.keep_evidence("cbu", NOON, pieces[0])

    assert [name.rpartition("/")[2][:15] for name in kept(root)] == [
        "20251114T120000",
        "20251114T123000",
        "20251114T124500",
        "20251114T130000",
    ]


def test_deleted_piece_that_is_shown_again_is_kept_again(store, root, monkeypatch):
    monkeypatch.setattr("fxticker.store.evidence.EVIDENCE_BYTES", 6_000)
    noise = random.Random(1)
    first, second = (Evidence(None, None, noise.randbytes(1_000)) for _ in range(2))
    store.keep_evidence("timesca", NOON, first)
    store.keep_evidence("timesca", NOON + QUARTER, second)
    sha256 = store.keep_evidence("timesca", NOON + 2 * QUARTER, first)

    assert [hash_in(name) for name in kept(root)] == [sha256]


def test_piece_that_an_earlier_process_left_is_made_durable(root):
    Store(root).keep_evidence("timesca", NOON, PIECE)
    synced = []

    class Calls(FaultyCalls):
        def _count(self, step, handle, *arguments):
            synced.append(step)

    Store(LocalStorage(root, Calls())).keep_evidence("timesca", NOON + QUARTER, PIECE)

    assert synced.count("fsync") >= 2
    assert len(kept(root)) == 1


# damage


DAMAGES = {
    "cut short": lambda data: data[:-9],
    "empty": lambda data: b"",
    "no gzip": lambda data: b"text",
    "other bytes": lambda data: gzip.compress(gzip.decompress(data) + b"x"),
    "bytes behind": lambda data: data + b"x",
    "a second member": lambda data: data + gzip.compress(b"x"),
    "a bomb": lambda data: gzip.compress(b"\0" * 30_000_000),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damaged_piece_is_named_never_shown_and_moved_on_command(store, root, damage):
    sha256 = store.keep_evidence("timesca", NOON, PIECE)
    store.append(snapshot_ticks(evidence=sha256))
    [name] = kept(root)
    (root / name).write_bytes(damage((root / name).read_bytes()))

    [found] = store.evidence.names()
    with pytest.raises(SegmentUnreadable, match=name):
        store.evidence.read(found)
    assert [(finding.name, finding.in_the_way) for finding in store.check()] == [(name, True)]
    assert [moved.name for moved in store.quarantine()] == [name]
    assert store.check() == []
    assert Store(root).keep_evidence("timesca", NOON, PIECE) == sha256
    assert Store(root).check() == []


def test_foreign_file_among_the_evidence_is_named(store, root):
    store.keep_evidence("timesca", NOON, PIECE)
    (root / "evidence/source=timesca/note.txt").write_text("mine")

    assert [str(finding) for finding in store.check()] == [
        "evidence/source=timesca/note.txt: not the name of a piece of evidence"
    ]


def test_check_counts_ticks_whose_evidence_is_gone_and_stays_sound(store, root):
    store.append(snapshot_ticks(evidence="ab" * 32))

    result = CliRunner().invoke(app, ["check", "--store", str(root)])

    assert result.exit_code == 0
    assert "pieces of evidence that ticks name and that are no longer kept: 1" in result.stdout


# polls


def test_poll_keeps_the_evidence_that_its_ticks_name_and_the_parsers_version(store, root):
    poll = collect(store, fetched(PAGE), source=replace(WHOLE, parser_version=7))

    [name] = kept(root)
    assert hashes(root) == [hash_in(name)]
    assert poll.detail is None
    assert fx.load_polls(root)["parser_version"].tolist() == [7]
    [found] = store.evidence.names()
    piece = store.evidence.read(found)
    assert SOURCE.parse(piece.body, piece.headers) == SOURCE.parse(PAGE, {})


def test_unchanged_page_names_the_same_evidence_without_another_look(store, root):
    state = SourceState()
    collect(store, fetched(PAGE, etag='"v1"'), state=state)
    collect(store, fetched(), slot=NOON + QUARTER, state=state)
    counted = replace(WHOLE, evidence=lambda *_: pytest.fail("looked for evidence of a page that is known"))
    collect(store, fetched(PAGE, etag='"v1"'), slot=NOON + 2 * QUARTER, state=state, source=counted)

    assert len(kept(root)) == 1
    assert fx.load(root, columns=["evidence"])["evidence"].tolist() == hashes(root) * 15


def test_refused_page_has_the_parsers_version_and_no_evidence(store, root):
    poll = collect(store, fetched(PAGE + PAGE[:60]))

    assert (poll.outcome, poll.parser_version) == (Outcome.DAMAGED, 1)
    assert kept(root) == []


def test_poll_without_an_answer_has_no_parser_version(store):
    from fxticker.errors import Unreachable

    assert collect(store, Unreachable("refused")).parser_version is None


REASONS = {
    "no piece": (lambda body, headers, snapshot: None, "no piece of it that is small enough"),
    "another answer": (lambda *_: Evidence(None, None, OTHER), "the piece does not give the same ticks"),
    "no ticker": (lambda *_: Evidence(None, None, b"nothing"), "the piece cannot be read: the page shows no ticker"),
    "too large": (lambda *_: Evidence(None, None, b"x" * 200_000), "ValueError: 200000 bytes of evidence"),
    "fault": (lambda body, headers, snapshot: 1 // 0, "ZeroDivisionError"),
}


@pytest.mark.parametrize(("find", "reason"), REASONS.values(), ids=REASONS.keys())
def test_evidence_that_cannot_be_kept_costs_no_tick_and_is_told(store, root, find, reason):
    poll = collect(store, fetched(PAGE), source=replace(WHOLE, evidence=find))

    assert (poll.outcome, poll.ticks) == (Outcome.OK, 5)
    assert poll.detail.startswith("no evidence is kept: ")
    assert reason in poll.detail
    assert kept(root) == []
    assert len(fx.load(root)) == 5


def test_source_that_keeps_no_evidence_is_no_remark(store):
    assert collect(store, fetched(PAGE), source=replace(WHOLE, evidence=None)).detail is None


def test_folder_of_evidence_that_refuses_costs_no_tick_and_is_told(root):
    class Calls(FaultyCalls):
        def _count(self, step, handle, *arguments):
            if step == "replace" and "/evidence/" in str(arguments[0]):
                raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    poll = collect(Store(LocalStorage(root, Calls())), fetched(PAGE))

    assert (poll.outcome, poll.ticks) == (Outcome.OK, 5)
    assert "no evidence is kept" in poll.detail
    assert "Permission denied" in poll.detail
    assert hashes(root) == []


def test_unchanged_page_without_evidence_is_told_at_each_poll(store):
    state, source = SourceState(), replace(WHOLE, evidence=lambda *_: None)
    collect(store, fetched(PAGE, etag='"v1"'), state=state, source=source)
    poll = collect(store, fetched(), slot=NOON + QUARTER, state=state, source=source)

    assert (poll.outcome, poll.http_status, poll.ticks) == (Outcome.OK, 304, 5)
    assert poll.detail.startswith("no evidence is kept: ")


def test_page_whose_evidence_the_store_refused_is_requested_whole_again(store, root, monkeypatch):
    state = SourceState()
    with monkeypatch.context() as patch:
        patch.setattr(store, "keep_evidence", lambda *_: (_ for _ in ()).throw(StoreError("no space left")))
        assert "no space left" in collect(store, fetched(PAGE, etag='"v1"'), state=state).detail
    fetch = FakeFetch(fetched(PAGE, etag='"v1"'))
    poll = collect_once(WHOLE, NOON + QUARTER, fetch=fetch, store=store, clock=FixedClock(NOON + QUARTER), state=state)

    assert fetch.conditions == [{}]
    assert poll.detail is None
    assert len(kept(root)) == 1


FAULTS = [
    Died(),
    pytest.param(OSError(errno.EIO, "I/O"), marks=pytest.mark.slow),
    pytest.param(OSError(errno.ENOSPC, "full"), marks=pytest.mark.slow),
]


@pytest.mark.parametrize("fault", FAULTS, ids=repr)
def test_fault_at_any_step_of_a_poll_never_leaves_a_tick_or_outcome_without_what_it_names(tmp_path, fault):
    for step in steps(199, every=4):
        root, calls = tmp_path / str(step), FaultyCalls()
        store = Store(LocalStorage(root, calls), clock=FixedClock())
        calls.fail(step, fault, lasting=isinstance(fault, OSError) and fault.errno == errno.ENOSPC)
        try:
            is_reached = collect(store, fetched(PAGE)).detail is not None or calls._left is None
        except (Died, StoreError):
            is_reached = True
        calls.heal()

        sound(root)
        after = Store(root, clock=FixedClock(NOON + QUARTER))
        assert collect(after, fetched(PAGE), slot=NOON + QUARTER).outcome == Outcome.OK
        sound(root)
        assert after.check() == []
        if not is_reached:
            break
    assert 25 < step < 199


def sound(root):
    """Every hash names a whole piece, and every `ok` has its ticks."""
    if not root.exists():
        return
    store = Store(root)
    pieces = {name.sha256: store.evidence.read(name) for name in store.evidence.names()}
    assert {*hashes(root)} <= {*pieces}
    ticks, polls = fx.load(root), fx.load_polls(root)
    for slot in polls[polls["outcome"] == "ok"]["slot"]:
        assert (ticks["observed_at"] == slot).sum() == 5


def test_daemons_writer_tries_again_to_keep_evidence(root):
    import threading

    from fxticker.daemon.observers import Observers
    from fxticker.daemon.retrying_writer import RetryingWriter

    calls = FaultyCalls()
    store = Store(LocalStorage(root, calls))
    writer = RetryingWriter(store, Observers([]), pauses_s=[0], stop_asked=threading.Event())
    calls.fail(4, OSError(errno.EIO, "I/O"))

    poll = collect(writer, fetched(PAGE))

    assert poll.detail is None
    assert len(kept(root)) == 1


# rejected bodies


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("text/html; charset=windows-1251", "text/html; charset=windows-1251"),
        (None, None),
        ("text/html\n\x1b[2J", None),
        ("x" * 201, None),
        ("текст", None),
    ],
)
def test_rejected_body_keeps_its_content_type_and_is_read_back(store, root, content_type, expected):
    from fxticker.store.rejected import read_rejected, rejected_names

    store.keep_rejected("timesca", NOON, b"body", content_type)

    [found] = rejected_names(store.backend)
    assert (found.source, found.slot) == ("timesca", NOON)
    assert read_rejected(store.backend, found.name) == (b"body", expected)
    assert gzip.decompress((root / found.name).read_bytes()) == b"body"


@pytest.mark.parametrize("damage", [*DAMAGES.values()][:3], ids=[*DAMAGES][:3])
def test_damaged_rejected_body_is_named(store, root, damage):
    from fxticker.store.rejected import read_rejected

    name = "rejected/source=timesca/20251114T120000.000000Z.gz"
    store.keep_rejected("timesca", NOON, b"body")
    (root / name).write_bytes(damage((root / name).read_bytes()))

    with pytest.raises(SegmentUnreadable, match=name):
        read_rejected(store.backend, name)


def test_rejected_body_of_an_older_version_is_read_back(store, root):
    from fxticker.store.rejected import read_rejected

    (root / "rejected/source=timesca").mkdir(parents=True)
    name = "rejected/source=timesca/20251114T120000.000000Z.gz"
    (root / name).write_bytes(gzip.compress(b"body", mtime=0))

    assert read_rejected(store.backend, name) == (b"body", None)


# imported pages


def test_imported_page_keeps_its_evidence(store, root, tmp_path):
    (tmp_path / "page.html").write_text(render_html(PRINTED_TICKS, TODAY))
    import_pages([FilePage(tmp_path / "page.html")], source=WHOLE, store=store)

    [name] = kept(root)
    assert hashes(root) == [hash_in(name)]
    assert "20251114T000000.000000Z" in name


def test_page_of_the_future_leaves_no_evidence(store, root, tmp_path):
    (tmp_path / "page.html").write_text(render_html(PRINTED_TICKS, TODAY.replace(year=9000)))
    summary = import_pages([FilePage(tmp_path / "page.html")], source=WHOLE, store=store)

    assert len(summary.refused) == 1
    assert kept(root) == []


def test_capture_of_a_web_archive_keeps_its_evidence(store, root):
    from fxticker.backfill.archive import ticks_of
    from fxticker.backfill.import_evidence import evidence_keeper

    ticks = ticks_of(WHOLE, PAGE, {"content-type": "text/plain"}, NOON, evidence_keeper(WHOLE, store))
    store.append(ticks)

    assert hashes(root) == [hash_in(name) for name in kept(root)] != []


# whole answers


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("text/html", ("text/html", None)),
        ("Text/HTML; Charset=UTF-8", ("text/html", "UTF-8")),
        ('application/xml;version=1; charset="windows-1251"', ("application/xml", "windows-1251")),
        ("", (None, None)),
        ("nonsense", (None, None)),
        ("text/html; charset=\x1b", ("text/html", None)),
    ],
)
def test_whole_answer_has_the_declared_media_type_and_charset(content_type, expected):
    piece = whole_answer(b"body", {"content-type": content_type}, None)

    assert (piece.media_type, piece.charset) == expected
    assert piece.body == b"body"


def test_answer_of_a_hundred_kilobytes_is_kept_and_no_larger_one():
    assert whole_answer(b"x" * MAX_EVIDENCE_BYTES, {}, None) is not None
    assert whole_answer(b"x" * (MAX_EVIDENCE_BYTES + 1), {}, None) is None


@pytest.mark.parametrize(
    ("source", "payload"),
    [
        ("cbu", "cbu_all_2026-04-01.json"),
        ("nbk", "nbk_get_rates_2026-04-01.xml"),
        ("nbkr", "nbkr_daily_2026-05-24.xml"),
        ("nbt", "nbt_daily_2026-05-18.xml"),
        ("cbr", "cbr_daily_2026-04-25.xml"),
        ("fawazahmed0", "fawazahmed0_usd_2026-09-29.json"),
    ],
)
def test_answers_of_banks_are_kept_whole(source, payload):
    from pathlib import Path

    from fxticker.sources.registry import source_of

    body = (Path(__file__).parent / "payloads" / payload).read_bytes()
    headers = {"content-type": "application/xml; charset=utf-8"} if payload.endswith("xml") else {}
    known = source_of(source)

    evidence, reason = evidence_of(known, body, headers, known.parse(body, headers))
    assert (evidence.body, reason) == (body, None)


def test_write_that_is_refused_leaves_no_trace_in_memory(root):
    calls = FaultyCalls()
    store = Store(LocalStorage(root, calls))
    calls.fail(4, OSError(errno.EIO, "I/O"))
    with pytest.raises(WriteFailed):
        store.keep_evidence("timesca", NOON, PIECE)

    store.keep_evidence("timesca", NOON, PIECE)
    assert len(kept(root)) == 1


def test_evidence_is_read_by_plain_readers_as_text(store, root):
    store.append(snapshot_ticks(evidence="ab" * 32))

    assert pd.read_parquet(root / "ticks")["evidence"].astype(str).unique().tolist() == ["ab" * 32]


def test_instants_of_any_year_name_a_folder(store, root):
    store.keep_evidence("timesca", datetime(970, 1, 1, tzinfo=UTC), PIECE)

    assert kept(root)[0].startswith("evidence/source=timesca/year=0970/09700101T000000.000000Z-")
    assert store.check() == []
