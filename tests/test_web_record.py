"""HTTP API: the ledger of polls, drift, and the store's own files."""

import asyncio
import hashlib
import io
from datetime import timedelta

import pandas as pd
import pytest
from builders import NOON, cases, snapshot_ticks, tick
from web_client import Client

import fxticker as fx
from fxticker.model.records import Outcome, Poll
from fxticker.store.store import Store

SLOTS = [NOON + timedelta(minutes=15 * number) for number in range(8)]
ERRORS = cases("web_record")["error"]


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("record") / "parquet")
    store.append([row for slot in SLOTS[:4] for row in snapshot_ticks(slot)])
    store.append([tick(rate_text="0.00200", observed_at=SLOTS[-1] + timedelta(days=1))])
    outcomes = [Outcome.OK] * 4 + [Outcome.TIMEOUT, Outcome.HTTP_ERROR, Outcome.OK, Outcome.OK]
    store.record(
        Poll("timesca", slot, outcome, started_at=slot, ticks=5, http_status=200, detail="<script>")
        for slot, outcome in zip(SLOTS, outcomes, strict=True)
    )
    return Client(store, NOON + timedelta(days=2))


def test_gaps_are_those_of_the_package(client):
    rows = client.get("/v2/gaps?from=2025-11-14&to=2025-11-14").json()
    failed = rows[0]
    assert (failed["start_at"], failed["end_at"]) == ("2025-11-14T13:00:00Z", "2025-11-14T13:30:00Z")
    assert (failed["slots"], failed["why"]) == (2, "timeout x 1, http_error x 1")
    assert len(rows) == len(fx.gaps(client.reader.store, start="2025-11-14", end="2025-11-14"))


@pytest.mark.parametrize("name", ["gaps", "coverage", "polls"])
def test_nothing_is_said_of_polls_that_are_not_on_record(tmp_path, name):
    store = Store(tmp_path / "parquet")
    store.append(snapshot_ticks(NOON))
    for query in ("", "?providers=timesca"):
        refused = Client(store, NOON).get(f"/v2/{name}{query}")
        assert refused.status_code == 404
        assert "no poll of timesca is on record" in refused.json()["detail"]


def test_coverage_counts_successful_polls(client):
    hours = client.get("/v2/coverage?group=hour&from=2025-11-14&to=2025-11-14").json()
    assert [(row["start_at"], row["slots"], row["ok"], row["outcome"]) for row in hours] == [
        ("2025-11-14T12:00:00Z", 4, 4, None),
        ("2025-11-14T13:00:00Z", 4, 2, "http_error"),
    ]


def test_polls_have_every_outcome_and_their_text_as_data(client):
    rows = client.get("/v2/polls").json()
    assert [row["outcome"] for row in rows] == ["ok"] * 4 + ["timeout", "http_error", "ok", "ok"]
    assert (rows[0]["slot"], rows[0]["http_status"], rows[0]["duration_ms"]) == ("2025-11-14T12:00:00Z", 200, None)
    answer = client.get("/v2/polls?outcome=timeout&providers=timesca")
    assert [row["detail"] for row in answer.json()] == ["<script>"]
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert client.get("/v2/polls?from=2025-11-15&to=2025-11-15").json() == []


@pytest.mark.parametrize(
    "path", ["coverage?group=hour&from=2025-11-14", "gaps?from=2025-11-14", "polls?from=2025-11-14"]
)
def test_many_rows_are_streamed_and_the_same(client, monkeypatch, path):
    whole = client.get(f"/v2/{path}")
    monkeypatch.setattr("fxticker.web.answers.LONG_ROWS", 1)
    monkeypatch.setattr("fxticker.web.record.LONG_ROWS", 2)
    streamed = client.get(f"/v2/{path}&providers=timesca")
    assert [answer.headers["etag"].startswith("W/") for answer in (whole, streamed)] == [False, True]
    assert streamed.json() == whole.json()
    assert len(whole.json()) > 1
    client.reader._long_places = 0
    busy = client.get(f"/v2/{path}&providers=timesca,timesca")
    client.reader._long_places = 8
    assert (busy.status_code, busy.json()["message"]) == (503, "busy")


def test_drift_has_its_band_and_whether_it_is_more_than_rounding(client):
    (row,) = client.get("/v2/drift?from=2025-11-14&to=2025-11-15&base=KZT&quotes=USD").json()
    assert (row["base"], row["quote"], row["source"], row["significant"]) == ("KZT", "USD", "timesca", True)
    assert row["drift_lo_pct"] < row["drift_pct"] < row["drift_hi_pct"]
    assert (row["rate_text_start"], row["rate_text_end"]) == ("0.00191", "0.00200")
    (alone,) = client.get("/v2/drift?from=2025-11-14&base=KZT&quotes=USD&providers=timesca&max_age=any").json()
    assert alone["drift_pct"] == row["drift_pct"]


@pytest.mark.parametrize("case", ERRORS, ids=lambda case: case["path"])
def test_request_for_the_record_that_means_nothing_is_refused(client, case):
    answer = client.get(case["path"])
    assert (answer.status_code, answer.json()["message"]) == (case["status"], case["message"])


def test_manifest_names_every_file_with_its_hash_and_rows(client):
    files = client.get("/parquet/manifest.json").json()["files"]
    assert {entry["file"].partition("/")[0] for entry in files} == {"ticks", "polls"}
    for entry in files:
        answer = client.get(f"/parquet/{entry['file']}")
        assert hashlib.sha256(answer.content).hexdigest() == entry["sha256"]
        assert answer.headers["etag"] == f'"{entry["sha256"]}"'
        assert len(pd.read_parquet(io.BytesIO(answer.content))) == entry["rows"]


def test_range_of_a_file_is_of_the_version_that_was_asked_for(tmp_path):
    store = Store(tmp_path / "parquet")
    store.append(snapshot_ticks(NOON))
    client = Client(store, NOON + timedelta(days=1), relist_s=0)
    path = f"/parquet/{client.get('/parquet/manifest.json').json()['files'][0]['file']}"
    whole = client.get(path)
    assert whole.headers["accept-ranges"] == "bytes"
    end = client.get(path, range="bytes=-8", if_range=whole.headers["etag"])
    assert (end.status_code, end.content) == (206, whole.content[-8:])
    assert (
        end.headers["content-range"] == f"bytes {len(whole.content) - 8}-{len(whole.content) - 1}/{len(whole.content)}"
    )
    assert client.get(path, range="bytes=4-7").content == whole.content[4:8]
    assert client.get(path, range="bytes=4-").content == whole.content[4:]
    assert client.get(path, range="bytes=0-1,4-5").content == whole.content
    assert client.get(path, range="bytes=9-4").status_code == 200
    beyond = client.get(path, range="bytes=99999999-")
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(whole.content)}")
    store.append(snapshot_ticks(NOON + timedelta(minutes=15)))
    replaced = client.get(path, range="bytes=-8", if_range=whole.headers["etag"])
    assert (replaced.status_code, len(replaced.content) > 8) == (200, True)
    assert client.get(path, range="bytes=-8", if_match=whole.headers["etag"]).status_code == 412


def test_requests_for_one_file_at_once_get_each_its_own_answer(tmp_path):
    store = Store(tmp_path / "parquet")
    store.append(snapshot_ticks(NOON))
    client = Client(store, NOON)
    path = f"/parquet/{client.get('/parquet/manifest.json').json()['files'][0]['file']}"
    given = [{"if-match": '"old"'}, {"range": "bytes=0-3"}, {"range": "bytes=999999-"}, {}]

    async def at_once():
        return await asyncio.gather(*(client._send("GET", path, headers) for headers in given))

    assert [answer.status_code for answer in asyncio.run(at_once())] == [412, 206, 416, 200]


def test_part_of_a_file_that_is_known_is_not_sent_again(tmp_path):
    store = Store(tmp_path / "parquet")
    store.append(snapshot_ticks(NOON))
    client = Client(store, NOON)
    path = f"/parquet/{client.get('/parquet/manifest.json').json()['files'][0]['file']}"
    tag = client.get(path).headers["etag"]
    answer = client.get(path, range="bytes=0-3", if_none_match=tag)
    assert (answer.status_code, answer.content, "content-range" in answer.headers) == (304, b"", False)


def test_files_with_rows_after_a_frozen_now_are_not_served(client, tmp_path):
    earlier = Client(client.reader.store, NOON + timedelta(hours=3))
    assert [entry["file"].partition("/")[0] for entry in earlier.get("/parquet/manifest.json").json()["files"]] == [
        "polls"
    ]
    assert earlier.get("/parquet/ticks/source=timesca/month=2025-11/00000.parquet").status_code == 404


@pytest.mark.parametrize(
    "name", ["store.id", "evidence/x", "ticks/source=timesca", "ticks/..%2f..%2fstore.id", "%2fetc%2fpasswd"]
)
def test_nothing_but_segments_is_served(client, name):
    assert client.get(f"/parquet/{name}").status_code == 404


@pytest.mark.parametrize("path", ["gaps", "coverage?group=month&", "polls"])
@pytest.mark.parametrize("span", ["from=2025-11-14&to=9999-12-31", "from=0001-01-01", "from=0001-01-01&to=9999-12-31"])
def test_span_may_be_longer_than_the_record(client, path, span):
    answer = client.get(f"/v2/{path if '?' in path else path + '?'}{span}")
    assert (answer.status_code, bool(answer.json())) == (200, True)


@pytest.mark.parametrize("path", ["gaps", "coverage", "polls"])
def test_span_before_the_first_days_of_the_calendar_is_cut(client, path):
    assert client.get(f"/v2/{path}?to=0001-01-05").status_code == 200


def test_drift_names_currencies_that_are_not_stored(client):
    answer = client.get("/v2/drift?from=2025-11-14&base=KZT&quotes=USD,EUR")
    assert [row["quote"] for row in answer.json()] == ["USD"]
    assert answer.headers["x-fxticker-missing"] == "EUR: nothing is stored for it"
