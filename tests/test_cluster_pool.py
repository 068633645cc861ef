"""A Dask cluster that reads WARC files: no page is lost or doubled when a worker is killed."""

import os
import signal
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_process_pool import warc

import fxticker as fx
from fxticker.backfill.cluster_pool import ClusterPool
from fxticker.backfill.page_files import find_pages
from fxticker.backfill.saved_pages import import_pages
from fxticker.backfill.stretch_chain import ReadersFailed
from fxticker.backfill.stretches import stretches_of
from fxticker.cli.import_files import import_
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.store import Store

pytestmark = pytest.mark.slow


@pytest.fixture
def cluster(monkeypatch):
    """Two workers, each a process that is replaced when it ends."""
    distributed = pytest.importorskip("distributed")
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(Path(fx.__file__).parent.parent), str(Path(__file__).parent)])
    )
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1", silence_logs=50
    ) as started:
        yield started


@pytest.fixture
def crawl(tmp_path):
    (tmp_path / "crawl").mkdir()
    return tmp_path / "crawl"


class KillingPool:
    """A cluster of which a worker is killed once some stretches were handed to it."""

    def __init__(self, pool, process_id, after):
        self.count = pool.count
        self._pool, self._process_id, self._left = pool, process_id, after

    def submit(self, stretch, source, latest):
        self._left -= 1
        if self._left == 0:
            os.kill(self._process_id, signal.SIGKILL)
        return self._pool.submit(stretch, source, latest)


def test_no_page_is_lost_or_doubled_when_a_worker_is_killed(tmp_path, crawl, cluster, monkeypatch):
    for number in range(6):
        warc(crawl / f"{number}.warc.gz", pages=8)
    small = partial(stretches_of, stretch_bytes=100_000)
    monkeypatch.setattr("fxticker.backfill.stretched_files.stretches_of", small)
    store, died = Store(tmp_path / "parquet"), []
    with ClusterPool(cluster.scheduler_address, died=died.append) as pool:
        killed = next(iter(cluster.workers.values()))
        address = killed.worker_address
        killing = KillingPool(pool, killed.pid, after=8)
        summary = import_pages(find_pages([str(crawl)]), source=SOURCE, store=store, pool=killing)
    assert (summary.pages, summary.captures, summary.refused) == (6, 48, [])
    assert died == [f"worker {address} was lost; what it had not read is read by others"]
    here = Store(tmp_path / "here")
    import_pages(find_pages([str(crawl)]), source=SOURCE, store=here)
    frames = [fx.load(each).drop(columns="recorded_at") for each in (store, here)]
    assert frames[0].equals(frames[1])
    assert len(frames[0]) == 40  # files repeat the instants of each other


class InterruptedPool:
    """A cluster whose user interrupts the import after some stretches."""

    def __init__(self, pool, left):
        self.count = pool.count
        self._pool, self._left = pool, left
        self.read = []

    def submit(self, stretch, source, latest):
        if len(self.read) == self._left:
            raise KeyboardInterrupt
        self.read.append((stretch.path, stretch.end))
        return self._pool.submit(stretch, source, latest)


def test_import_that_was_interrupted_asks_only_for_what_is_missing(tmp_path, crawl, cluster, monkeypatch):
    for number in range(3):
        warc(crawl / f"{number}.warc.gz", pages=8)
    monkeypatch.setattr("fxticker.backfill.stretched_files.stretches_of", partial(stretches_of, stretch_bytes=100_000))
    monkeypatch.setattr("fxticker.backfill.capture_import._BATCH_CAPTURES", 1)
    store = Store(tmp_path / "parquet")
    with ClusterPool(cluster.scheduler_address) as pool:
        first, second = InterruptedPool(pool, 14), InterruptedPool(pool, None)
        with pytest.raises(KeyboardInterrupt):
            import_pages(find_pages([str(crawl)]), source=SOURCE, store=store, pool=first)
        summary = import_pages(find_pages([str(crawl)]), source=SOURCE, store=store, pool=second)
    assert summary.refused == []
    assert 0 < summary.captures < 24
    assert summary.continued_files > 0
    taken = first.read[: len(first.read) - 6]  # three stretches were under way for each of two workers
    assert not {*taken[:-1]} & {*second.read}
    assert len(fx.load(store)) == 40


def test_command_reads_on_a_cluster(tmp_path, crawl, cluster):
    warc(crawl / "a.warc.gz")
    arguments = [str(crawl), "--store", str(tmp_path / "parquet"), "--scheduler", cluster.scheduler_address]
    shown = CliRunner().invoke(import_, arguments)
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert "1 files: 20 rows added" in shown.stdout


def test_scheduler_that_does_not_answer_is_named(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("fxticker.backfill.cluster_pool.CONNECT_S", 0.5)
    with pytest.raises(ReadersFailed, match=r"tcp://127\.0\.0\.1:9: no scheduler of Dask answers"):
        ClusterPool("tcp://127.0.0.1:9")
