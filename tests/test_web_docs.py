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

PAGE = (Path(__file__).parent.parent / "docs" / "http.md").read_text("utf-8")
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
