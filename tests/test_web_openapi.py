"""HTTP API: the OpenAPI document has every path, and its examples are answered as it says."""

import re
from urllib.parse import quote

import jsonschema
import pytest
from builders import capture_ticks
from web_client import Client

from fxticker.model.records import Outcome, Poll
from fxticker.store.store import Store
from fxticker.web.openapi import document
from fxticker.web.routes import paths

DOCUMENT = document()
OPERATIONS = [(path, item["get"]) for path, item in DOCUMENT["paths"].items() if path != "/live"]
"""Without the stream of events, which has no end: its own tests have it."""
NEEDS_RANGE = {"group", "to"}
"""Parameters that mean something for a range only."""
ALIASES = ("/api", "/fixer/", "/v1/current", "/{days}", "/latest", "/currencies", "/current", "/{day}", "/symbols")
"""Paths that are those of another one without its prefix, or with one."""


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("openapi") / "parquet")
    ticks = capture_ticks()
    store.append(ticks)
    store.record(Poll("timesca", slot, Outcome.OK, started_at=slot) for slot in {row.observed_at for row in ticks})
    return Client(store)


def requests(path, operation):
    """The request with the needed parameters alone, and one more for each further parameter."""
    parameters = operation["parameters"]
    for parameter in (each for each in parameters if each["in"] == "path"):
        path = path.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
    in_query = {each["name"]: each for each in parameters if each["in"] == "query"}
    needed = {name: each["example"] for name, each in in_query.items() if each.get("required") or name == "base"}
    yield path, needed
    has_range = in_query.get("from", {"schema": {}})["schema"].get("format") == "date"
    for name, each in in_query.items():
        if "example" in each and name not in needed:
            more = {"from": "2025-12-07"} if name in NEEDS_RANGE and has_range else {}
            yield path, {**needed, **more, name: each["example"]}


REQUESTS = [
    pytest.param(
        path, operation, target, fields, id=f"{target}?{'&'.join(f'{name}={value}' for name, value in fields.items())}"
    )
    for path, operation in OPERATIONS
    for target, fields in requests(path, operation)
]


def check(schema, value):
    whole = {**schema, "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker()).validate(value)


def ask(client, path, fields):
    query = "&".join(f"{name}={quote(str(value))}" for name, value in fields.items())
    return client.get(f"{path}?{query}" if query else path)


@pytest.mark.parametrize(("path", "operation", "target", "fields"), REQUESTS)
def test_example_is_answered_by_its_schema(client, path, operation, target, fields):
    answer = ask(client, target, fields)
    assert answer.status_code == 200, answer.text
    content = operation["responses"]["200"]["content"]
    media_type = answer.headers["content-type"].partition(";")[0]
    assert media_type in content
    if media_type == "application/json":
        check(content[media_type]["schema"], answer.json())


@pytest.mark.parametrize(("path", "operation"), OPERATIONS, ids=[path for path, _ in OPERATIONS])
def test_error_is_answered_by_its_schema(client, path, operation):
    target, fields = next(requests(path, operation))
    for name in fields:
        answer = ask(client, target, {**fields, name: "nonsense"})
        assert str(answer.status_code) in operation["responses"]
        if answer.status_code >= 400:
            check(
                operation["responses"][str(answer.status_code)]["content"]["application/json"]["schema"], answer.json()
            )


def test_every_path_of_the_server_is_in_the_document():
    served = {re.sub(r":path}", "}", path.pattern) for path in paths(dict)}
    described = {*DOCUMENT["paths"]}
    assert described - served == {"/live"}
    others = {path for path in served - described if not path.endswith(("{path}", "{path}.csv"))}
    assert {path for path in others if not path.startswith(ALIASES)} <= {
        f"{prefix}{path}" for prefix in ("", "/v1") for path in ("/timeseries", "/convert")
    }


def test_document_is_openapi_with_references_that_exist():
    assert DOCUMENT["openapi"].startswith("3.1")
    named = set(re.findall(r"#/components/schemas/(\w+)", str(DOCUMENT)))
    assert named == {*DOCUMENT["components"]["schemas"]}
