"""Reparse: what the present parser reads otherwise is reported, and with a write put right at the same instants."""

import contextlib
import json
import shutil
from dataclasses import replace
from datetime import date, timedelta
from itertools import cycle

import pandas as pd
import pytest
from builders import NOON, PRINTED_TICKS, FixedClock, snapshot_ticks, tick
from click.testing import CliRunner
from laws import steps
from servers import FakeFetch, fetched
from store_faults import FaultyCalls

import fxticker as fx
from fxticker.backfill.page_files import FilePage
from fxticker.backfill.reparse import reparse
from fxticker.backfill.saved_pages import import_pages
from fxticker.cli import app
from fxticker.collect.poll import collect_once
from fxticker.errors import DamagedPage
from fxticker.model.records import Evidence, Outcome, Poll, Retraction, TimeBasis
from fxticker.simulation.captures import dated_slots, read_captures
from fxticker.simulation.replay import replay
from fxticker.simulation.site import MARKUPS, TickerSite, render_text
from fxticker.sources.source import whole_answer
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.local import LocalStorage
from fxticker.store.store import Store

QUARTER = timedelta(minutes=15)
TODAY = NOON.date()
PAGE = render_text(PRINTED_TICKS, TODAY).encode()
WHOLE = replace(SOURCE, evidence=whole_answer)
LATER = NOON + timedelta(days=1)


class Died(BaseException):
    """The process ends here."""


def collect(store, page=PAGE, *, slot=NOON, source=WHOLE, **headers):
    return collect_once(source, slot, fetch=FakeFetch(fetched(page, **headers)), store=store, clock=FixedClock(slot))


def reading(change, **fields):
    """The source with a later parser, which reads what `change` makes of a snapshot."""

    def parse(body, headers):
        return change(SOURCE.parse(body, headers))

    return replace(WHOLE, parse=parse, parser_version=2, **fields)


def with_rate(pair, rate_text, change_text="0%"):
    """Read another rate for a pair."""

    def change(snapshot):
        ticks = [
            replace(t, rate_text=rate_text, change_text=change_text) if t.pair == pair else t for t in snapshot.ticks
        ]
        return replace(snapshot, ticks=tuple(ticks))

    return change


def without(pair):
    return lambda snapshot: replace(snapshot, ticks=tuple(t for t in snapshot.ticks if t.pair != pair))


def refusing(snapshot):
    raise DamagedPage("a digit is not shown")


MISREAD = with_rate("KZT/USD", "0.00193")
"""A parser that reads a digit that is not there."""


def run(store, source=WHOLE, **options):
    return reparse(store, find={"timesca": source}.get, **options)


def lines(summary):
    return [(d.pair, d.stored, d.read_now, d.effect) for d in summary.differences]


def rates(root, pair="KZT/USD", **options):
    return fx.load(root, pairs=[pair], **options)["rate_text"].tolist()


@pytest.fixture
def clock():
    return FixedClock(NOON)


@pytest.fixture
def store(root, clock):
    """A store whose three polls an earlier parser misread."""
    store = Store(root, clock=clock)
    for number in range(3):
        collect(store, slot=NOON + number * QUARTER, source=replace(reading(MISREAD), parser_version=1))
    clock.at = LATER
    return store


# reports


def test_store_that_the_present_parser_reads_alike_has_no_difference(root):
    store = Store(root)
    for number in range(3):
        collect(store, slot=NOON + number * QUARTER)

    summary = run(store)

    assert (lines(summary), summary.problems, summary.pieces, summary.missing_evidence) == ([], [], 1, 0)


@pytest.mark.slow
def test_packaged_history_has_no_difference(tmp_path):
    history = list(dated_slots(read_captures()))
    with TickerSite() as site:
        polls = list(replay(history, site=site, store_path=tmp_path / "history"))

    summary = reparse(Store(tmp_path / "history"))

    assert (summary.differences, summary.problems, summary.missing_evidence) == ([], [], 0)
    shown = zip(history, cycle(MARKUPS), strict=False)  # the site changes its markup with every page
    assert summary.pieces == len({(c.page_date, c.ticks, markup) for (_, c), markup in shown})
    assert fx.load(tmp_path / "history", columns=["evidence"])["evidence"].notna().all()
    assert {poll.detail for poll in polls if poll.detail and "evidence" in poll.detail} == set()
    refused = run(Store(tmp_path / "history"), reading(refusing))
    assert len(refused.differences) == sum(len(capture.ticks) for _, capture in history)


def test_difference_is_reported_and_nothing_written(store, root):
    before = {path: path.read_bytes() for path in root.rglob("*.parquet")}

    summary = run(store)

    assert lines(summary) == [("KZT/USD", "0.00193 0%", "0.00191 -0%", "correct")] * 3
    assert [d.observed_at for d in summary.differences] == [NOON + number * QUARTER for number in range(3)]
    assert {path: path.read_bytes() for path in root.rglob("*.parquet")} == before


def test_since_leaves_earlier_ticks_out(store):
    assert len(lines(run(store, since=NOON + QUARTER))) == 2
    assert lines(run(store, since=LATER)) == []


def test_pair_that_is_not_read_and_one_that_is_read_now_are_told_apart(root):
    store = Store(root)
    collect(store, source=reading(without("UZS/USD")))

    assert lines(run(store, reading(without("TMT/USD")))) == [
        ("TMT/USD", "0.28571 0%", "the pair is not read", "retract"),
        ("UZS/USD", None, "0.00008 0%", "add"),
    ]


def test_refused_piece_is_reported_with_the_reason(store):
    summary = run(store, reading(refusing))

    assert len(lines(summary)) == 15
    assert lines(summary)[0] == ("KGS/USD", "0.01144 0%", "refused: damaged: a digit is not shown", "retract")


def test_ticks_without_evidence_are_left_alone(store, root):
    store.append(snapshot_ticks(NOON + 5 * QUARTER))

    assert len(run(store, reading(refusing), write=True).differences) == 15
    assert fx.load(root)["observed_at"].unique().tolist() == [NOON + 5 * QUARTER]


# writes


def test_write_corrects_at_the_same_instants_and_withdraws_what_was_misread(store, root, clock):
    polls = fx.load_polls(root)

    summary = run(store, write=True)

    assert (summary.added, summary.retracted, summary.restored) == (3, 3, 0)
    assert rates(root) == ["0.00191"] * 3
    assert rates(root, as_of=LATER - timedelta(microseconds=1)) == ["0.00193"] * 3
    corrected = fx.load(
        root, pairs=["KZT/USD"], columns=["time_basis", "origin", "evidence", "source_date", "change_text"]
    )
    assert corrected.drop_duplicates().astype(str).to_numpy().tolist() == [
        ["clock", "live", next(store.evidence.names()).sha256, "2025-11-14", "-0%"]
    ]
    assert len(pd.read_parquet(root / "ticks")) == 18
    pd.testing.assert_frame_equal(fx.load_polls(root), polls)
    retractions = pd.read_parquet(root / "retractions")
    assert retractions["reason"].unique().tolist() == ["reparse: 0.00191 -0%"]
    assert store.check() == []


def test_second_write_changes_nothing(store, root):
    run(store, write=True)
    before = {path: path.read_bytes() for path in root.rglob("*.parquet")}

    summary = run(store, write=True)

    assert (lines(summary), summary.added, summary.retracted) == ([], 0, 0)
    assert {path: path.read_bytes() for path in root.rglob("*.parquet")} == before


def test_refused_ticks_are_restored_by_a_parser_that_reads_them_again(store, root, clock):
    run(store, reading(refusing), write=True)
    assert fx.load(root).empty
    clock.at += QUARTER

    summary = run(store, reading(MISREAD), write=True)

    assert (summary.added, summary.retracted, summary.restored) == (0, 0, 15)
    assert {d.effect for d in summary.differences} == {"restore"}
    assert rates(root) == ["0.00193"] * 3
    assert lines(run(store, reading(MISREAD))) == []


def test_parser_that_reverts_gives_the_former_ticks_back(store, root, clock):
    run(store, write=True)
    clock.at += QUARTER
    summary = run(store, reading(MISREAD), write=True)

    assert (summary.added, summary.retracted, summary.restored) == (0, 3, 3)
    assert rates(root) == ["0.00193"] * 3
    assert rates(root, as_of=LATER) == ["0.00191"] * 3


@pytest.mark.parametrize("change", ["source_date", "nominal"])
def test_difference_outside_the_identity_is_reported_and_not_written(root, change):
    store = Store(root)
    collect(store)
    other = {
        "source_date": lambda snapshot: replace(snapshot, source_date=date(2025, 11, 13)),
        "nominal": lambda snapshot: replace(snapshot, ticks=tuple(replace(t, nominal=10) for t in snapshot.ticks)),
    }[change]

    summary = run(store, reading(other), write=True)

    assert summary.unwritable == len(summary.differences) == 5
    assert (
        lines(summary)[0]
        == {
            "source_date": (
                "KGS/USD",
                "0.01144 0%, dated 2025-11-14",
                "0.01144 0%, dated 2025-11-13",
                "cannot be written",
            ),
            "nominal": ("KGS/USD", "0.01144 0%, nominal 1", "0.01144 0%, nominal 10", "cannot be written"),
        }[change]
    )
    assert (summary.added, summary.retracted) == (0, 0)


def test_date_that_was_not_read_before_is_named(root):
    store = Store(root)
    collect(store, source=reading(lambda snapshot: replace(snapshot, source_date=None)))

    assert lines(run(store))[0][1:3] == ("0.01144 0%, dated nothing", "0.01144 0%, dated 2025-11-14")


# pages that share an instant


def saved(tmp_path, name, page):
    (tmp_path / name).write_bytes(page)
    return FilePage(tmp_path / name)


def test_pages_of_one_date_share_their_equal_ticks_without_a_difference(store, root, tmp_path):
    other = PAGE.replace(b"0.10840 0.37%", b"0.10841 0%")
    store = Store(tmp_path / "pages")
    import_pages([saved(tmp_path, "a.txt", PAGE), saved(tmp_path, "b.txt", other)], source=WHOLE, store=store)
    assert len(fx.load(store)) == 6

    assert lines(run(store)) == []
    assert lines(run(store, reading(without("UZS/USD")), write=True)) == [
        ("UZS/USD", "0.00008 0%", "the pair is not read", "retract")
    ]
    assert len(fx.load(store)) == 5
    assert lines(run(store, reading(without("UZS/USD")))) == []


def test_imported_and_archived_ticks_keep_their_basis_and_origin(tmp_path):
    store = Store(tmp_path / "pages")
    import_pages([saved(tmp_path, "a.txt", PAGE)], source=replace(reading(MISREAD)), store=store)

    run(store, write=True)

    frame = fx.load(store, pairs=["KZT/USD"])
    assert frame[["rate_text", "time_basis", "origin"]].astype(str).to_numpy().tolist() == [["0.00191", "date", "page"]]


# what cannot be read


def test_unknown_source_is_named_and_skipped(store):
    store.keep_evidence("plugin", NOON, Evidence(None, None, b"x"))

    summary = run(store)

    assert summary.problems == ["plugin: no such source is installed, so its evidence is not read"]
    assert len(summary.differences) == 3


def test_evidence_that_is_gone_says_nothing_about_its_ticks(store, root):
    for path in root.glob("evidence/*/*/*"):
        path.unlink()
    store.keep_evidence("timesca", NOON, Evidence(None, None, b"another"))

    summary = run(store, reading(refusing), write=True)

    assert (lines(summary), summary.missing_evidence, summary.problems) == ([], 1, [])
    assert len(fx.load(root)) == 15


def test_damaged_evidence_is_named_and_says_nothing_about_its_ticks(store, root):
    [path] = root.glob("evidence/*/*/*")
    path.write_bytes(b"damaged")

    summary = run(store, write=True)

    assert lines(summary) == []
    assert len(summary.problems) == 1
    assert path.name in summary.problems[0]


def test_fault_in_a_parser_is_named_and_withdraws_nothing(store, root):
    summary = run(store, reading(lambda snapshot: 1 // 0), write=True)

    assert lines(summary) == []
    assert "ZeroDivisionError in the parser of timesca" in summary.problems[0]
    assert len(fx.load(root)) == 15


# rejected bodies


DAMAGED = PAGE + PAGE[:60]


def repaired(body, headers):
    return SOURCE.parse(PAGE, headers) if body == DAMAGED else SOURCE.parse(body, headers)


REPAIRED = replace(WHOLE, parse=repaired, parser_version=2, evidence=lambda *_: Evidence(None, None, PAGE))


def test_rejected_body_that_is_still_refused_is_no_difference(root):
    store = Store(root)
    assert collect(store, DAMAGED).outcome == Outcome.DAMAGED

    assert lines(run(store)) == []


def test_rejected_body_that_can_be_read_now_becomes_ticks_at_its_polls_end(root, clock):
    store = Store(root, clock=clock)
    poll = collect(store, DAMAGED)

    assert lines(run(store, REPAIRED))[0] == ("KGS/USD", "nothing (damaged)", "0.01144 0%", "add")
    assert fx.load(root).empty
    summary = run(store, REPAIRED, write=True)

    assert summary.added == 5
    frame = fx.load(root, columns=["observed_at", "time_basis", "origin", "evidence"])
    assert frame["observed_at"].unique().tolist() == [NOON + timedelta(milliseconds=poll.duration_ms)]
    assert frame[["time_basis", "origin"]].astype(str).drop_duplicates().to_numpy().tolist() == [["clock", "live"]]
    assert frame["evidence"].unique().tolist() == [name.sha256 for name in store.evidence.names()]
    assert fx.load_polls(root)["outcome"].tolist() == ["damaged"]
    assert lines(run(store, REPAIRED, write=True)) == []


def test_rejected_body_is_read_with_the_charset_that_was_declared(root):
    store = Store(root)
    body = PAGE.replace(b"KGS/USD", "\N{CYRILLIC SMALL LETTER A}KGS/USD".encode("utf-16-le"))
    collect(store, body + body[:60], content_type="text/html; charset=windows-1251")
    seen = []

    run(store, replace(WHOLE, parse=lambda body, headers: seen.append(headers) or SOURCE.parse(body, headers)))

    assert seen == [{"content-type": "text/html; charset=windows-1251"}]


def test_rejected_body_without_its_poll_is_named(root):
    store = Store(root)
    store.keep_rejected("timesca", NOON, DAMAGED)
    store.record([Poll("timesca", NOON - QUARTER, Outcome.OK)])

    summary = run(store, REPAIRED)

    assert lines(summary) == []
    assert "no poll on record has its instant" in summary.problems[0]


def test_rejected_body_of_another_poll_than_its_slots_is_named(root):
    """The first outcome of a slot is final, and a second poll of it keeps its body under the same name."""
    store = Store(root)
    collect(store, DAMAGED + b" ")
    collect(store, DAMAGED)

    summary = run(store, REPAIRED)

    assert lines(summary) == []
    assert "had another body" in summary.problems[0]


def test_damaged_rejected_body_is_named(root):
    store = Store(root)
    collect(store, DAMAGED)
    [path] = (root / "rejected").rglob("*.gz")
    path.write_bytes(path.read_bytes()[:-9])

    summary = run(store, REPAIRED)

    assert lines(summary) == []
    assert summary.problems[0].startswith(f"rejected/source=timesca/{path.name}: cannot be read (cut short")


def test_foreign_file_among_the_rejected_bodies_is_left_out(root):
    store = Store(root)
    collect(store, DAMAGED)
    [path] = (root / "rejected").rglob("*.gz")
    for name in ("20259999T000000.000000Z.gz", "20251114T126000.000000Z.gz", "notes.txt"):
        shutil.copy(path, path.with_name(name))

    assert len(lines(run(store, REPAIRED))) == 5


# faults


@pytest.mark.parametrize("fault", [Died(), pytest.param(OSError(5, "I/O"), marks=pytest.mark.slow)], ids=repr)
def test_fault_at_any_step_of_a_write_leaves_no_wrong_answer_and_a_rerun_completes_it(tmp_path, fault):
    collect(Store(tmp_path / "misread", clock=FixedClock(NOON)), source=reading(MISREAD))
    for step in steps(119, every=4):
        root, calls = tmp_path / str(step), FaultyCalls()
        shutil.copytree(tmp_path / "misread", root)
        store = Store(LocalStorage(root, calls), clock=FixedClock(LATER))
        calls.fail(step, fault)
        with contextlib.suppress(Died, OSError):
            run(store, write=True)
        is_reached = calls._left is None
        calls.heal()

        latest = fx.latest(root)
        newest = latest[latest["pair"] == "KZT/USD"]["rate_text"].tolist()
        assert (rates(root), newest) in (
            (["0.00193"], ["0.00193"]),
            (["0.00193", "0.00191"], ["0.00191"]),
            (["0.00191"], ["0.00191"]),
        )
        run(Store(root), write=True)
        assert rates(root) == ["0.00191"]
        if not is_reached:
            break
    assert 15 < step < 119


# commands


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_reparse_prints_differences_and_exits_with_1(store, root):
    result = invoke("reparse", "--store", root)

    assert result.exit_code == 1
    assert "0.00193 0%" in result.stdout
    assert "1 pieces of evidence read: 3 differences" in result.stdout
    as_json = invoke("reparse", "--store", root, "--format", "json")
    assert len(json.loads(as_json.stdout)) == 3


def test_reparse_with_write_exits_with_0_once_all_is_put_right(store, root):
    assert invoke("reparse", "--store", root, "--write").exit_code == 0
    result = invoke("reparse", "--store", root)
    assert (result.exit_code, result.stdout) == (0, "1 pieces of evidence read: 0 differences\n")


def test_reparse_of_an_unknown_source_exits_with_1(root):
    store = Store(root)
    store.append([tick(source="plugin")])
    store.keep_evidence("plugin", NOON, Evidence(None, None, b"x"))

    result = invoke("reparse", "--store", root)

    assert result.exit_code == 1
    assert "plugin: no such source is installed" in result.stderr


def test_evidence_is_shown_as_text_that_is_safe_for_a_terminal(root):
    store = Store(root)
    body = PAGE + "\x1b[2J\x07 \N{RIGHT-TO-LEFT OVERRIDE}end".encode()
    collect(store, body, content_type="text/html; charset=utf-8")

    result = invoke("evidence", "--at", "2025-11-14T12:10Z", "--store", root)

    [name] = store.evidence.names()
    assert result.exit_code == 0
    assert name.sha256 in result.stdout
    assert "timesca at 2025-11-14T12:00:00Z, 10 min old: KGS/USD = 0.01144 0%, " in result.stdout
    assert r"\x1b[2J\x07 \u202eend" in result.stdout
    assert "text/html, utf-8" in result.stdout
    assert not {char for char in result.stdout if not char.isprintable()} - {"\n"}


def test_evidence_of_the_instant_before_is_the_one_shown(root):
    store = Store(root)
    collect(store)
    collect(store, PAGE.replace(b"0.10840 0.37%", b"0.10841 0%"), slot=NOON + QUARTER)

    assert "0.10841" not in invoke("evidence", "--at", "2025-11-14T12:14Z", "--store", root).stdout
    assert "0.10841" in invoke("evidence", "--at", "2025-11-14T12:15Z", "--store", root).stdout
    assert "0.10841" in invoke("evidence", "--at", "2025-11-14", "--source", "timesca", "--store", root).stdout


def test_age_of_shown_evidence_counts_from_the_end_of_a_date(root):
    Store(root).append(snapshot_ticks(NOON.replace(hour=0), time_basis=TimeBasis.DATE))

    shown = invoke("evidence", "--at", "2026-04-06T23:00Z", "--store", root).stdout

    assert shown.startswith("timesca on 2025-11-14, 142 d 23 h old: KGS/USD = 0.01144 0%, ")


@pytest.mark.parametrize("evidence", [None, "ab" * 32])
def test_missing_evidence_is_named_and_exits_with_1(root, evidence):
    Store(root).append(snapshot_ticks(evidence=evidence))

    result = invoke("evidence", "--at", "2025-11-14T12:00Z", "--store", root)

    assert isinstance(result.exception, fx.NoData)
    assert ("no evidence was kept" if evidence is None else "is no longer kept") in result.stdout


def test_instant_before_the_first_tick_and_unknown_source_have_no_tick_in_force(root):
    collect(Store(root))

    early = invoke("evidence", "--at", "2025-11-13", "--store", root)
    unknown = invoke("evidence", "--at", "2025-11-15", "--source", "cbu", "--store", root)

    assert (early.exit_code, str(early.exception)) == (
        1,
        "no tick is in force at 2025-11-13; the first one after that is of 2025-11-14 12:00 UTC",
    )
    assert (unknown.exit_code, str(unknown.exception)) == (1, "no tick of cbu is in force at 2025-11-15")


def test_retracted_tick_is_not_in_force(root):
    store = Store(root)
    collect(store)
    first = PRINTED_TICKS[0]
    store.retract([Retraction("timesca", first.pair, NOON, first.rate_text, first.change_text, 2, "misread")])

    assert "KGS/USD = " not in invoke("evidence", "--at", "2025-11-15", "--store", root).stdout.splitlines()[0]


def test_correction_is_read_with_the_decimal_mark_of_its_source(root):
    store = Store(root)

    def with_commas(snapshot):
        ticks = tuple(
            replace(t, rate_text=t.rate_text.replace(".", ",") + "0", change_text=None) for t in snapshot.ticks
        )
        return replace(snapshot, ticks=ticks, decimal_mark=",")

    collect(store, source=reading(without("TMT/USD")))
    run(store, reading(with_commas), write=True)

    assert fx.load(root, pairs=["TJS/USD"])[["rate_text", "rate"]].to_numpy().tolist() == [["0,108400", 0.1084]]
