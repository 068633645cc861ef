"""Publish: what a folder of static files holds, what a second run writes, and what a failed one leaves."""

import hashlib
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from builders import NOON, FixedClock, snapshot_ticks, tick
from click.testing import CliRunner

import fxticker as fx
from fxticker.cli import app
from fxticker.errors import SegmentUnreadable, StoreError
from fxticker.model.records import Outcome, Poll, Retraction
from fxticker.model.schedule import Every
from fxticker.page import site as published_site
from fxticker.page.publish import publish
from fxticker.store.store import Store

OLD = Path(__file__).parent / "payloads" / "store_0.1.0"
HOUR = timedelta(hours=1)


def manifest(folder, name="manifest.json"):
    return json.loads((folder / name).read_text("utf-8"))


def of_kind(folder, kind, name="manifest.json"):
    return [each for each in manifest(folder, name)["objects"] if each["kind"] == kind]


def answers(folder, kind):
    [entry] = of_kind(folder, kind)
    return json.loads((folder / entry["file"]).read_text("utf-8"))


def wrong_objects(folder, name="manifest.json"):
    """The objects that a manifest names and that are absent or have other content."""
    return [
        each["file"]
        for each in manifest(folder, name)["objects"]
        if not (folder / each["file"]).is_file()
        or hashlib.sha256((folder / each["file"]).read_bytes()).hexdigest() != each["sha256"]
    ]


def files_in(folder):
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def changed(before, after):
    return {name.partition(".")[0] for name, written in after.items() if before.get(name) != written}


@pytest.fixture
def polled(root):
    """A store with two polls of one pair, in one month."""
    store = Store(root, clock=FixedClock(NOON))
    store.append([tick(observed_at=NOON - HOUR), tick(rate_text="0.00192")])
    store.record([Poll("timesca", slot, Outcome.OK, ticks=1) for slot in (NOON - HOUR, NOON)])
    return store


@pytest.fixture
def dest(tmp_path):
    return tmp_path / "site"


def test_segments_are_published_whole_with_what_they_hold(polled, dest, root):
    publish(polled, dest, at=NOON)

    assert wrong_objects(dest) == []
    [ticks], [polls] = of_kind(dest, "ticks"), of_kind(dest, "polls")
    assert (dest / ticks["file"]).read_bytes() == (root / ticks["stored_as"]).read_bytes()
    assert {name: ticks[name] for name in ("source", "month", "rows", "first_at", "last_at", "pairs")} == {
        "source": "timesca",
        "month": "2025-11",
        "rows": 2,
        "first_at": "2025-11-14T11:00:00Z",
        "last_at": "2025-11-14T12:00:00Z",
        "pairs": ["KZT/USD"],
    }
    assert polls["rows"] == 2
    assert manifest(dest)["store_id"] == (root / "store.id").read_text().strip()


def test_twins_are_the_ticks_of_a_pair_and_month_with_bands(polled, dest):
    polled.retract([Retraction("timesca", "KZT/USD", NOON - HOUR, "0.00191", "-0%", 2, "misread")])
    publish(polled, dest, at=NOON)

    [twin] = manifest(dest)["twins"]
    assert (twin["pair"], twin["month"], twin["rows"]) == ("KZT/USD", "2025-11", 1)
    assert twin["files"] == [f"rates/KZT-USD/2025-11.{ending}" for ending in ("csv", "json", "parquet")]
    [row] = json.loads((dest / "rates/KZT-USD/2025-11.json").read_text("utf-8"))
    assert (row["rate_text"], row["rate_lo"], row["rate_hi"]) == ("0.00192", 0.001915, 0.001925)
    frame = fx.load(polled, as_of=NOON, bands=True)
    pd.testing.assert_frame_equal(pd.read_parquet(dest / "rates/KZT-USD/2025-11.parquet"), frame)


def test_pegs_of_the_shown_pairs_are_published_with_their_days(root, dest):
    store = Store(root, clock=FixedClock(NOON))
    store.append([tick(), tick("TMT/USD", "0.28571")])
    publish(store, dest, at=NOON)

    assert answers(dest, "rates")["pegs"] == [
        {"pair": "TMT/USD", "since": "2009-01-01", "until": "2015-01-01"},
        {"pair": "TMT/USD", "since": "2015-01-01", "until": None},
    ]


def test_answers_are_those_of_the_functions(polled, dest):
    publish(polled, dest, at=NOON, schedules={"timesca": Every(HOUR)})

    [rate] = answers(dest, "rates")["rates"]
    assert (rate["pair"], rate["rate"]["written"]) == (
        "KZT/USD",
        {"value": "0.00192", "lo": "0.001915", "hi": "0.001925"},
    )
    explained = fx.explain(polled, "KZT", at=NOON, order="ticker").facts()
    assert rate["rate"]["printed"][0]["file"] == explained["printed"][0]["file"]
    assert (rate["change"]["rate_text_start"], rate["change"]["rate_text_end"]) == ("0.00191", "0.00192")
    assert (rate["change"]["significant"], rate["change"]["written"]["lo"]) == (False, "0.0")
    assert rate["unchanged_since"] == "2025-11-14T12:00:00Z"
    [source] = answers(dest, "rates")["sources"]
    assert (source["last_slot"], source["last_outcome"]) == ("2025-11-14T12:00:00Z", "ok")
    assert (source["next_slot"], source["holds_s"]) == ("2025-11-14T13:00:00Z", 7 * 86400)


@pytest.mark.slow
def test_drift_between_month_ends_is_that_of_drift_with_the_reasons(root, dest):
    store = Store(root, clock=FixedClock(NOON))
    days = [datetime(2025, month, 30, 12, tzinfo=UTC) for month in (6, 7)]
    store.append([tick(observed_at=days[0]), tick(rate_text="0.00193", observed_at=days[1]), tick()])
    publish(store, dest, at=NOON)

    drifts = {(each["start"], each["end"]): each for each in answers(dest, "drifts")["drifts"]}
    assert list(drifts)[-1] == ("2025-10", "2025-11-14T12:00:00Z")
    [row] = drifts["2025-06", "2025-07"]["rows"]
    assert row["written"] == {"value": "+1.0", "lo": "+0.5", "hi": "+1.6"}
    assert row["significant"]
    assert "limit 7 d" in drifts["2025-07", "2025-08"]["reason"]


def test_second_run_writes_only_what_changed(polled, dest):
    publish(polled, dest, at=NOON)
    first = files_in(dest)
    assert publish(polled, dest, at=NOON).written == 0
    assert files_in(dest) == first

    polled.append([tick("KGS/USD", "0.01144", "0%")])
    summary = publish(polled, dest, at=NOON)

    assert changed(first, files_in(dest)) == {
        "data/ticks-timesca-2025-11-00000",
        "data/rates",
        "rates/KGS-USD/2025-11",
        "manifests/" + summary_of_manifest(first, dest),
        "manifest",
    }
    assert (summary.written, summary.deleted) == (7, 0)


def summary_of_manifest(_before, folder):
    [name] = manifest(folder)["earlier"]
    return name.removeprefix("manifests/").removesuffix(".json")


@pytest.mark.slow
def test_objects_of_the_last_three_manifests_are_kept_and_older_ones_deleted(polled, dest):
    first = {}
    for number in range(5):
        publish(polled, dest, at=NOON)
        first = first or of_kind(dest, "ticks")[0]
        polled.append([tick(observed_at=NOON - timedelta(minutes=number + 1))])
        if number == 2:
            assert (dest / first["file"]).is_file()

    earlier = manifest(dest)["earlier"]
    assert len(earlier) == 2
    assert [wrong_objects(dest, name) for name in ("manifest.json", *earlier)] == [[], [], []]
    assert not (dest / first["file"]).exists()
    assert len(list((dest / "data").glob("ticks-*"))) == 3


@pytest.mark.slow
def test_run_that_fails_at_any_write_leaves_the_manifest_before_it_in_force(polled, dest, monkeypatch):
    publish(polled, dest, at=NOON)
    before = (dest / "manifest.json").read_bytes()
    polled.append([tick(observed_at=NOON - timedelta(minutes=1))])
    real, left = published_site.replaced, 0

    def fails(path):
        nonlocal left
        left -= 1
        if left == 0:
            raise OSError(28, "No space left on device", str(path))
        return real(path)

    monkeypatch.setattr(published_site, "replaced", fails)
    for step in (1, *[2] * 6):  # each run writes what the run before failed at, and fails at the next file
        left = step
        with pytest.raises(OSError, match="No space left"):
            publish(polled, dest, at=NOON)
        assert (dest / "manifest.json").read_bytes() == before
        assert wrong_objects(dest) == []
    left = 0
    assert publish(polled, dest, at=NOON).deleted == 0
    assert wrong_objects(dest) == wrong_objects(dest, manifest(dest)["earlier"][0]) == []


@pytest.mark.slow
def test_files_of_others_are_left_alone(polled, dest):
    others = ["CNAME", "data/notes.txt", "rates/KZT-USD/old.csv", "manifests/list.json"]
    for name in others:
        (dest / name).parent.mkdir(parents=True, exist_ok=True)
        (dest / name).write_text("mine")
    publish(polled, dest, at=NOON)
    orphan = dest / "data" / "ticks-timesca-2020-01-00000.0123456789abcdef.parquet"
    orphan.write_text("of a run that failed")
    killed = dest / "rates" / "KZT-USD" / ".fxticker-0123456789abcdef.tmp"
    killed.write_text("of a run that was killed")

    assert publish(polled, dest, at=NOON).deleted == 2
    assert [(dest / name).read_text() for name in others] == ["mine"] * 4


def test_folder_with_another_page_is_refused(polled, dest):
    dest.mkdir()
    (dest / "index.html").write_text("mine")

    with pytest.raises(StoreError, match="another page"):
        publish(polled, dest, at=NOON)
    assert files_in(dest).keys() == {"index.html"}


def test_page_of_a_store_is_not_replaced_by_that_of_none(polled, root, dest):
    publish(polled, dest, at=NOON)
    before = files_in(dest)
    root.rename(root.with_name("elsewhere"))
    root.mkdir()

    with pytest.raises(StoreError, match="may not be mounted"):
        publish(Store(root), dest, at=NOON)
    assert files_in(dest) == before


@pytest.mark.slow
def test_nothing_is_deleted_after_a_damaged_manifest(polled, dest):
    publish(polled, dest, at=NOON)
    (dest / "manifest.json").write_bytes((dest / "manifest.json").read_bytes()[:-9])
    polled.append([tick(observed_at=NOON - timedelta(minutes=1))])

    assert publish(polled, dest, at=NOON).deleted == 0
    assert len(list((dest / "data").glob("ticks-*"))) == 2
    assert wrong_objects(dest) == []


def test_store_of_an_earlier_codec_is_refused_with_what_to_do(tmp_path, dest):
    shutil.copytree(OLD, tmp_path / "old")

    with pytest.raises(SegmentUnreadable, match="check --rewrite"):
        publish(Store(tmp_path / "old"), dest, at=NOON)
    assert not (dest / "manifest.json").exists()


def test_empty_store_is_published_as_such(root, dest):
    store = Store(root, clock=FixedClock(NOON))
    store.record([Poll("timesca", NOON, Outcome.TIMEOUT)])

    publish(store, dest, at=NOON)

    assert (answers(dest, "rates")["rates"], answers(dest, "drifts")["drifts"]) == ([], [])
    assert answers(dest, "rates")["sources"][0]["last_ok_slot"] is None


def test_command_names_what_it_wrote_and_refuses_a_folder_in_the_store(polled, dest, root):
    polled.append(snapshot_ticks(NOON + HOUR))
    options = ["--store", str(root), "--at", "2025-11-14T12:00Z"]
    done = CliRunner().invoke(app, ["publish", str(dest), *options])

    assert done.output == f"{dest}: the rates of 2025-11-14 12:00 UTC; files written: 12, deleted: 0\n"
    assert [each["pair"] for each in answers(dest, "rates")["rates"] if each["rate"]] == ["KZT/USD"]
    assert isinstance(CliRunner().invoke(app, ["publish", str(root / "site"), *options]).exception, StoreError)


def test_next_slot_is_that_of_the_configuration(polled, dest, written, root):
    config = written(f'[store]\npath = "{root}"\n[sources.timesca]\nevery = "15min"\n')

    CliRunner().invoke(app, ["publish", str(dest), "--config", str(config), "--at", "2025-11-14T12:00Z"])

    assert answers(dest, "rates")["sources"][0]["next_slot"] == "2025-11-14T12:11:17Z"
