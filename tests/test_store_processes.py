"""Several processes on one store at a time: nothing lost, nothing doubled, and no lock outlives its holder."""

import os
import sys
from datetime import UTC, datetime, timedelta

import pytest
from builders import NOON, TICKER, snapshot_ticks
from processes import HOLD, PRELUDE, SAFETY_S, Process, run
from store_faults import WatchedCalls

import fxticker as fx
from fxticker.errors import StoreLocked
from fxticker.model.records import Outcome, Poll, PrintedTick
from fxticker.simulation.site import TickerSite
from fxticker.store.local import LocalStorage
from fxticker.store.store import Appended, Store

DAEMON = """
store = Store(root, segment_rows=200)
say("ready")
sys.stdin.readline()
for step in range(20_000):
    at = NOON + step * timedelta(minutes=15)
    assert store.append(snapshot_ticks(at)).added == 5
    assert store.record([Poll("timesca", at, Outcome.OK, at, 1200, 5)]) == 1
    if told(within_s=0.02):
        break
say(step + 1)
"""
IMPORT = """
snapshots, batch = int(sys.argv[1]), int(sys.argv[2])
page = {"origin": Origin.PAGE, "time_basis": TimeBasis.CAPTURE}
store = Store(root, segment_rows=2_000)
say("ready")
sys.stdin.readline()
for first in range(0, snapshots, batch):
    instants = [NOON - step * timedelta(minutes=20) + timedelta(seconds=1) for step in range(first, first + batch)]
    ticks = [tick for at in instants for tick in snapshot_ticks(at, **page)]
    assert store.append(ticks).added == len(ticks)
    assert store.append(ticks).added == 0
say("imported")
"""
READER = """
import pandas as pd
import fxticker as fx

read = {"pandas": lambda: pd.read_parquet(root / "ticks"), "fxticker": lambda: fx.load(root)}[sys.argv[1]]
say("ready")
sys.stdin.readline()
rows = 0
for reads in range(1, 20_000):
    frame = read()[["pair", "observed_at"]]
    assert not frame.duplicated().any(), "a row was seen twice"
    assert set(frame.groupby("observed_at").size()) == {5}, "a torn snapshot was seen"
    assert len(frame) >= rows, "rows that were seen are not seen any more"
    rows = len(frame)
    if told():
        break
say("saw " + ("some" if reads else "nothing"))
"""
APPEND_FIFTY = """
store = Store(root, segment_rows=40)
say("ready")
sys.stdin.readline()
say(sum(store.append(snapshot_ticks(NOON + step * timedelta(hours=6))).added for step in range(50)))
"""
APPEND_ONE = """
say("waits")
say(Store(root, lock_timeout_s=50).append(snapshot_ticks()).added)
"""
HOLD_AND_START_ANOTHER = """
with LocalStorage(root).write_lock(30):
    subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], close_fds=False)
    say("holds")
    sys.stdin.read()
"""
HOLD_AND_FORK = """
with LocalStorage(root).write_lock(30):
    if os.fork() == 0:
        say("holds")
    sys.stdin.read()
"""


def snapshot_by_cron(folder):
    """What cron users call, on the default store of a folder."""
    return run([sys.executable, "-m", "fxticker", "snapshot"], cwd=folder, timeout_s=SAFETY_S)


def share_a_store(folder, start, *, snapshots, batch):
    """A daemon, cron, an import and two readers on one store; returns how many snapshots the daemon took."""
    Store(folder / "parquet").append(snapshot_ticks(NOON - timedelta(days=1)))
    daemon, importing = start(DAEMON), start(IMPORT, snapshots, batch)
    readers = [start(READER, "pandas"), start(READER, "fxticker")]
    everyone = [daemon, importing, *readers]
    assert [other.hear() for other in everyone] == ["ready"] * 4

    with TickerSite() as site:
        site.show([PrintedTick(*entry) for entry in TICKER], datetime.now(UTC).date())
        (folder / "config.toml").write_text(f'[sources.timesca]\nurl = "{site.url}"\n')
        for other in everyone:
            other.tell()
        assert [snapshot_by_cron(folder).returncode for _ in range(3)] == [0, 0, 0]

    assert importing.hear() == "imported"
    for other in [daemon, *readers]:
        other.tell()
    assert [reader.hear() for reader in readers] == ["saw some"] * 2
    taken = int(daemon.hear())
    assert [other.process.wait(SAFETY_S) for other in everyone] == [0, 0, 0, 0]
    return taken


def instants_of(frame):
    """Every instant of whole snapshots, once each."""
    assert not frame.duplicated(["pair", "observed_at"]).any()
    assert set(frame.groupby("observed_at").size()) == {5}
    return [at.to_pydatetime() for at in frame["observed_at"].drop_duplicates()]


def assert_all_is_stored(folder, *, taken, imported):
    expected = [NOON - timedelta(days=1)]
    expected += [NOON + step * timedelta(minutes=15) for step in range(taken)]
    expected += [NOON - step * timedelta(minutes=20) + timedelta(seconds=1) for step in range(imported)]
    cron_began = datetime(2026, 1, 1, tzinfo=UTC)
    planned = fx.load(folder / "parquet", end=cron_began)
    assert instants_of(planned) == sorted(expected)
    assert len(instants_of(fx.load(folder / "parquet", start=cron_began))) == 3
    assert len(fx.load_polls(folder / "parquet")) == taken + 3
    assert Store(folder / "parquet").check() == []


@pytest.mark.slow
@pytest.mark.parametrize(("snapshots", "batch"), [(2_000, 400), (20_000, 4_000)])
def test_daemon_cron_import_and_readers_share_a_store(tmp_path, start, snapshots, batch):
    taken = share_a_store(tmp_path, start, snapshots=snapshots, batch=batch)

    assert_all_is_stored(tmp_path, taken=taken, imported=snapshots)


def test_concurrent_appends_of_the_same_rows_add_them_once(start, root):
    both = [start(APPEND_FIFTY), start(APPEND_FIFTY)]
    assert [other.hear() for other in both] == ["ready"] * 2
    for other in both:
        other.tell()

    added = [int(other.hear()) for other in both]

    assert sum(added) == 250
    assert len(fx.load(root)) == 250
    assert sorted(path.name for path in root.glob("ticks/*/month=2025-11/*")) == [f"{n:05}.parquet" for n in range(7)]
    assert Store(root).check() == []


# the lock


def test_waiting_writer_continues_when_the_holder_is_killed(start, holder):
    waiting = start(APPEND_ONE)
    assert waiting.hear() == "waits"
    assert waiting.process.poll() is None

    holder.kill()

    assert waiting.hear() == "5"
    assert waiting.process.wait(SAFETY_S) == 0


def test_refused_writer_names_process_and_program_of_the_holder(root, tmp_path):
    (tmp_path / "fxticker").write_text(PRELUDE + HOLD)
    holder = Process([sys.executable, tmp_path / "fxticker", "run", root])
    try:
        assert holder.hear() == "holds"
        with pytest.raises(StoreLocked, match=rf"held by process {holder.pid} \(fxticker run\) since 2") as told:
            Store(root, lock_timeout_s=0).append(snapshot_ticks())
    finally:
        holder.end()

    assert str(told.value).startswith(f"{root}: the lock is held by ")


def test_refused_writer_names_the_present_holder(start, holder, root):
    holder.kill()
    second = start(HOLD)
    assert second.hear() == "holds"

    with pytest.raises(StoreLocked, match=f"process {second.pid} "):
        Store(root, lock_timeout_s=0).append(snapshot_ticks())


def test_writer_stops_waiting_at_its_limit(holder, root):
    stores = [Store(root, lock_timeout_s=limit_s) for limit_s in (0, 0.05, 0.3)]

    waited_s = []
    for store in stores:
        with pytest.raises(StoreLocked) as refused:
            store.record([Poll("timesca", NOON, Outcome.OK)])
        waited_s.append(refused.value.waited_s)

    assert waited_s == pytest.approx([0, 0.05, 0.3], abs=2)
    assert waited_s[2] >= 0.3
    assert not (root / "polls").exists()


@pytest.mark.parametrize("script", [HOLD_AND_START_ANOTHER, HOLD_AND_FORK], ids=["a program", "a fork"])
def test_child_of_a_killed_holder_does_not_keep_the_lock(start, root, script):
    holder = start(script)
    assert holder.hear() == "holds"

    holder.kill()

    assert Store(root, lock_timeout_s=0).append(snapshot_ticks()) == Appended(added=5, known=0)


def test_append_accepts_a_folder_created_by_another_process(root):
    calls = WatchedCalls(lambda step, *arguments: step == "mkdir" and os.mkdir(*arguments))  # noqa: PTH102  the call itself
    store = Store(LocalStorage(root, calls))

    assert store.append(snapshot_ticks()) == Appended(added=5, known=0)
