"""Commands and the daemon with a store on an object storage; the last tests run on a server."""

import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from builders import capture_ticks
from click.testing import CliRunner
from object_faults import in_memory
from object_servers import BUCKET, environment

from fxticker.cli import app
from fxticker.cli.mirror import require_apart
from fxticker.config import Settings
from fxticker.errors import StoreError
from fxticker.model.records import Outcome, Poll
from fxticker.store.recorders import Recorder, write_recorder
from fxticker.store.store import Store
from fxticker.web.health import healthz
from fxticker.web.view import View


def test_url_that_names_no_bucket_is_wrong_usage():
    result = CliRunner().invoke(app, ["latest", "--store", "s3://B"])

    assert result.exit_code == 2
    assert "must be s3://bucket or s3://bucket/prefix" in result.output


@pytest.mark.parametrize(("left", "right"), [("s3://a/b", "s3://a/b"), ("s3://a", "s3://a/b"), ("s3://a/b", "s3://a")])
def test_mirror_into_the_store_itself_is_refused(left, right):
    with pytest.raises(StoreError, match="lies in it"):
        require_apart(left, right)
    require_apart("s3://a/b", "s3://a/bc")


# what status shows of recorders


@pytest.fixture
def shared(monkeypatch, tmp_path):
    """A storage with a successful poll of the slot before the last one, by the default schedule."""
    pytest.importorskip("obstore")
    monkeypatch.chdir(tmp_path)
    storage, _ = in_memory()
    monkeypatch.setattr("fxticker.store.location.storage_at", lambda *_, **__: storage)
    schedule = Settings().planned()[0].schedule
    slot = schedule.at_or_before(schedule.at_or_before(datetime.now(UTC)) - timedelta(seconds=1))
    Store(storage).record([Poll("timesca", slot, Outcome.OK, ticks=5)])
    return storage


def noted(storage, **expected_in_s):
    """Have recorders leave notes a minute ago, each with the seconds from now when it is expected again."""
    now = datetime.now(UTC)
    seen_at = now - timedelta(minutes=1)
    for name, seconds in expected_in_s.items():
        write_recorder(storage, Recorder(name, 1, seen_at, seen_at, now + timedelta(seconds=seconds)))
    return seen_at


def status(*arguments):
    return CliRunner().invoke(app, ["status", "--store", "s3://rates/a", *arguments])


def test_status_is_not_healthy_where_every_recorder_is_silent(shared):
    seen_at = noted(shared, a=-1, b=-20)
    reason = f"every recorder of the store is silent, the last one was seen {seen_at:%Y-%m-%dT%H:%M:%SZ}"

    shown = status()
    assert shown.exit_code == 1
    assert shown.stdout.splitlines()[0] == f"timesca: not healthy: {reason}"

    found = json.loads(status("--format", "json").stdout)
    assert (found["well"], found["sources"][0]["well"], found["sources"][0]["reason"]) == (False, False, reason)


@pytest.mark.parametrize("notes", [{}, {"a": -1, "b": 60}])
def test_status_is_healthy_while_a_recorder_is_not_silent_or_none_left_a_note(shared, notes):
    noted(shared, **notes)

    shown = status()
    assert shown.exit_code == 0
    assert shown.stdout.splitlines()[0] == "timesca: healthy"


def test_status_is_healthy_where_something_was_recorded_after_the_last_recorder_fell_silent(shared):
    noted(shared, a=-3600)

    assert status().exit_code == 0


def test_served_health_counts_silent_recorders(shared):
    noted(shared, a=-1)

    view = View(Store(shared), None, datetime.now(UTC), False, (), Settings().planned())
    answer = healthz(view, "text/plain")
    assert answer.status == 503
    assert answer.body.startswith(b"timesca: every recorder of the store is silent")


@pytest.mark.parametrize("notes", [{}, {"a": 60}])
def test_status_shows_no_lock_of_object_storage(shared, notes):
    noted(shared, **notes)

    assert "  lock " not in status().stdout


def test_status_names_the_interval_that_no_configuration_gave(shared, tmp_path, monkeypatch):
    assert "(every 15 min is assumed, as no --config names the schedule)\n" in status().stdout

    monkeypatch.setenv("FXTICKER_SOURCES__TIMESCA__EVERY", "20min")
    assert "assumed" not in status().stdout
    monkeypatch.delenv("FXTICKER_SOURCES__TIMESCA__EVERY")

    (tmp_path / "config.toml").write_text("[sources.timesca]\n")
    assert "assumed" not in status().stdout


@pytest.fixture
def location(seaweedfs_endpoint, monkeypatch):
    for name, value in environment(seaweedfs_endpoint).items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{uuid.uuid4()}"


def output(*arguments):
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.slow
def test_commands_answer_as_on_a_disk(location, tmp_path):
    folder = tmp_path / "parquet"
    for store in (Store(location), Store(folder)):
        store.append(capture_ticks())

    for command in (
        ["history", "--pair", "KZT"],
        ["drift", "--start", "2025-11-10", "--end", "2025-11-11", "--max-age", "any"],
        ["gaps"],
    ):
        arguments = [*command, "--format", "csv"]
        assert output(*arguments, "--store", location) == output(*arguments, "--store", str(folder))
    assert "no damage" in output("check", "--store", location)


@pytest.mark.slow
def test_mirror_goes_to_object_storage_and_back(location, tmp_path):
    folder, back = tmp_path / "parquet", tmp_path / "back"
    Store(folder).append(capture_ticks())

    output("mirror", location, "--store", str(folder))
    output("restore", location, "--store", str(back))

    assert Store(back).check() == []
    names = {path.relative_to(folder) for path in folder.glob("ticks/**/*.parquet")}
    assert {path.relative_to(back) for path in back.glob("ticks/**/*.parquet")} == names
    assert (back / "store.id").read_text() == (folder / "store.id").read_text()
