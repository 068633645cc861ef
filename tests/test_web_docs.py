"""The page of the HTTP API: its examples are what the server answers."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from builders import capture_ticks
from web_client import Client

from fxticker.model.records import Outcome, Poll
from fxticker.store.store import Store

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "http.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```http\nGET (\S+)\n(.*?)```\n\n```(json|csv)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("http") / "parquet")
    ticks = capture_ticks()
    store.append(ticks)
    counts = Counter(row.observed_at for row in ticks)
    store.record([Poll("timesca", slot, Outcome.OK, started_at=slot, ticks=count) for slot, count in counts.items()])
    return Client(store)


def test_every_request_has_its_answer_below_it():
    assert len(EXAMPLES) == PAGE.count("```http") > 0


@pytest.mark.parametrize(("path", "headers", "kind", "expected"), EXAMPLES, ids=[example[0] for example in EXAMPLES])
def test_example_is_what_is_answered(client, path, headers, kind, expected):
    named = dict(line.split(": ", 1) for line in headers.splitlines())
    answer = client.get(path, **named)
    if kind == "json":
        assert answer.json() == json.loads(expected)
    else:
        assert answer.text == expected


def test_programs_of_others_are_named_with_the_versions_that_are_tried():
    rows = re.findall(r"^\| `(\S+)` \((PyPI|npm)\) \| (\S+) \|", PAGE, re.MULTILINE)
    modules = json.loads((ROOT / "tests" / "clients" / "node" / "package.json").read_text("utf-8"))["dependencies"]
    assert {name: version for name, place, version in rows if place == "npm"} == modules
    lock = (ROOT / "requirements" / "clients.txt").read_text("utf-8")
    python = [f"{name}=={version} " for name, place, version in rows if place == "PyPI"]
    assert len(python) == 10
    assert [line for line in python if f"\n{line}" not in lock] == []


def test_requests_of_the_page_on_grafana_are_answered_with_the_columns_that_it_names(client):
    page = (ROOT / "docs" / "readers" / "grafana.md").read_text("utf-8")
    (query,) = [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)]
    (table,) = re.findall(r"^```text\nhttp://127.0.0.1:8080(\S+)\n```", page, re.MULTILINE)
    days = {"${__from:date:YYYY-MM-DD}": "2025-12-06", "${__to:date:YYYY-MM-DD}": "2026-02-25"}
    series = re.sub(r"\$\{__\w+:date:[\w-]+\}", lambda match: days[match[0]], query["url"])
    rows = client.get(series.removeprefix("http://127.0.0.1:8080")).json()
    for column in query["columns"]:
        assert all(row[column["selector"]] is not None for row in rows)
        assert column["type"] != "number" or all(float(row[column["selector"]]) > 0 for row in rows)
    now = client.get(table).json()
    assert (len(rows) > 20, len(now) > 2) == (True, True)
    assert {"observed_at", "rate", "base", "quote", "rate_text", "source"} <= {*now[0]}
