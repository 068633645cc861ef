"""Failed writes are tried again, a bounded number of times, and each outcome is notified once."""

import pytest
from daemons import (
    ANSWER,
    SECOND,
    ManualClock,
    RecordingObserver,
    Refusing,
    at,
    daemon_of,
    outcomes,
    planned,
    run_daemon,
)
from servers import RawServer

from fxticker.errors import StoreError
from fxticker.model.schedule import Every
from fxticker.store.local import FileCalls, LocalStorage
from fxticker.store.store import Store

NO_TICKER = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 12\r\n\r\n<p>Hello</p>"


@pytest.mark.parametrize("table", ["ticks", "polls"])
def test_failed_write_is_tried_again_without_another_request(tmp_path, table):
    store = Store(LocalStorage(tmp_path / "store", Refusing(table, times=2)))
    with RawServer(lambda exchange: exchange.send(ANSWER)) as server:
        taken = run_daemon(store, planned(server.url, Every(SECOND)), polls=1, retry_pauses_s=(0, 0))
    assert [str(poll.outcome) for poll in taken] == ["ok"]
    assert len(server.requests) == 1
    recorded = [entry for entry in outcomes(tmp_path / "store") if entry[1] != "missed"]  # slots of a busy machine
    assert recorded == [(taken[0].slot, "ok")]


def test_tries_of_a_write_are_bounded(tmp_path, site):
    calls = Refusing("ticks", times=100)
    store = Store(LocalStorage(tmp_path / "store", calls))
    with (
        daemon_of(store, planned(site.url, Every(SECOND)), retry_pauses_s=(0, 0)) as (daemon, taken),
        pytest.raises(StoreError, match="No space left on device"),
    ):
        daemon.run()
    assert (calls.refused, taken) == (3, [])


def test_stop_ends_the_pause_before_another_try(tmp_path, site):
    def stop():
        daemon.stop()

    store = Store(LocalStorage(tmp_path / "store", Refusing("ticks", times=1, on_refusal=stop)))
    with daemon_of(store, planned(site.url, Every(SECOND)), retry_pauses_s=(3600,)) as (daemon, taken):
        daemon.run()
    assert [str(poll.outcome) for poll in taken] == ["ok"]


def test_outcome_written_by_a_failed_try_is_notified_once(tmp_path, site):
    class FailsOnce(FileCalls):
        failed = False

        def replace(self, staged, target):
            FileCalls.replace(staged, target)
            if "polls" in str(target) and not self.failed:
                self.failed = True
                raise OSError(5, "Input/output error")

    store = Store(LocalStorage(tmp_path / "store", FailsOnce()))
    taken = run_daemon(store, planned(site.url, Every(SECOND)), polls=1, retry_pauses_s=(0,))
    assert [str(poll.outcome) for poll in taken] == ["ok"]


def test_moved_store_folder_ends_the_daemon_and_is_not_created_again(tmp_path):
    def move_and_answer(exchange):
        (tmp_path / "store").rename(tmp_path / "moved")
        exchange.send(ANSWER)

    with (
        RawServer(move_and_answer) as server,
        daemon_of(Store(tmp_path / "store"), planned(server.url, Every(SECOND))) as (daemon, _),
        pytest.raises(StoreError, match="No such file"),
    ):
        daemon.run()
    assert not (tmp_path / "store").exists()


def test_each_try_of_a_write_is_notified_with_its_error(tmp_path):
    store = Store(LocalStorage(tmp_path / "store", Refusing("ticks", times=1)))
    observer = RecordingObserver()
    with RawServer(lambda exchange: exchange.send(ANSWER)) as server:
        run_daemon(store, planned(server.url, Every(SECOND)), polls=1, retry_pauses_s=(0,), observers=[observer])
    assert all(is_timed for is_timed, _ in observer.writes)
    [error] = [error for _, error in observer.writes if error is not None]
    assert "No space left on device" in str(error)
    assert observer.writes[-1] == (True, None)


def test_rejected_body_is_notified(tmp_path):
    observer = RecordingObserver()
    with RawServer(lambda exchange: exchange.send(NO_TICKER)) as server:
        run_daemon(
            Store(tmp_path / "store"),
            planned(server.url, Every(SECOND)),
            observers=[observer],
            polls=2,
        )
    assert observer.rejected[:1] == ["timesca"]


def test_source_whose_poll_cannot_be_written_never_catches_up(tmp_path, site):
    """As in a crash loop: each process would else be healthy from its start until its first write fails."""
    observer = RecordingObserver()
    store = Store(LocalStorage(tmp_path / "store", Refusing("ticks", times=100)))
    clock = ManualClock(at("12:05:00"))
    with (
        daemon_of(store, planned(site.url), clock=clock, observers=[observer]) as (daemon, _),
        pytest.raises(StoreError, match="No space left on device"),
    ):
        daemon.run()
    assert observer.writes[-1][1] is not None
    assert observer.caught == []


def test_source_catches_up_with_its_first_poll(tmp_path, site):
    observer = RecordingObserver()
    run_daemon(Store(tmp_path / "store"), planned(site.url, Every(SECOND)), polls=1, observers=[observer])
    assert set(observer.caught) == {"timesca"}
