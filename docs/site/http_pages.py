"""HTTP reference: a page of the site from the OpenAPI document that ``fxticker serve`` has at /openapi.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fxticker.web.openapi import document

_PREFIXES = {
    "/v2/": "Frankfurter, version 2, and the record",
    "/v1/": "Frankfurter, version 1",
    "/fixer/": "Fixer",
    "/parquet/": "The store's files",
}
_OPEN_EXCHANGE_RATES = "Open Exchange Rates"
_SERVER = "The server"
_OF_SERVER = {"/", "/healthz", "/metrics", "/openapi.json", "/live"}
_LONG = 80
"""Characters of a pattern or a list of values that are shown: those of all currencies have thousands."""


def http_page() -> str:
    """Return the text of the page."""
    described = document()
    paths = described["paths"]
    groups: dict[str, list[str]] = {
        _SERVER: [],
        **{title: [] for title in _PREFIXES.values()},
        _OPEN_EXCHANGE_RATES: [],
    }
    for path in paths:
        groups[_group(path)].append(path)
    shared = set.intersection(*(_meanings(item["get"]) for item in paths.values()))
    what = (
        "Every path, parameter and answer, from the document that the server has at `/openapi.json`. "
        "[HTTP API](http.md) explains them."
    )
    parts = ["# HTTP reference", what]
    for title, members in groups.items():
        parts.append(f"## {title}")
        for path in members:
            parts += _operation(path, paths[path]["get"], shared)
    parts += ["## Statuses of all paths", _table(("status", "meaning"), sorted(shared)), "## Answers"]
    for name, schema in described["components"]["schemas"].items():
        parts += _schema(name, schema)
    return "\n\n".join(parts) + "\n"


def _group(path: str) -> str:
    if path in _OF_SERVER:
        return _SERVER
    return next((title for prefix, title in _PREFIXES.items() if path.startswith(prefix)), _OPEN_EXCHANGE_RATES)


def _operation(path: str, operation: Mapping[str, Any], shared: set[tuple[str, str]]) -> Iterator[str]:
    yield f"### GET {path}"
    yield f"{operation['summary']}."
    rows = [
        (
            f"`{each['name']}`" + (", required" if each.get("required") else ""),
            each["in"],
            _kind(each["schema"]),
            f"`{each['example']}`" if "example" in each else "",
            each.get("description", ""),
        )
        for each in operation["parameters"]
    ]
    if rows:
        yield _table(("parameter", "in", "kind", "example", "meaning"), rows)
    errors = {_kind(body["schema"]) for status, body in _bodies(operation) if not status.startswith("2")}
    answers = " or ".join(
        f"{_kind(body['schema'])} (`{body['media_type']}`)"
        for status, body in _bodies(operation)
        if status.startswith("2")
    )
    yield f"Answer: {answers}. Errors: {' or '.join(sorted(errors))}."
    if own := sorted(_meanings(operation) - shared):
        yield _table(("status", "meaning"), own)


def _bodies(operation: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield status, and schema and media type, of each answer."""
    for status, answer in operation["responses"].items():
        for media_type, body in answer.get("content", {}).items():
            yield status, {"schema": body["schema"], "media_type": media_type}


def _meanings(operation: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return the statuses other than 200 with their meanings."""
    return {(status, answer["description"]) for status, answer in operation["responses"].items() if status != "200"}


def _schema(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {name}"
    if "properties" not in schema:
        yield f"{_kind(schema)}."
        return
    required = schema.get("required", ())
    yield _table(
        ("field", "kind", "meaning"),
        [
            (f"`{field}`" + ("" if field in required else ", may be absent"), _kind(each), each.get("description", ""))
            for field, each in schema["properties"].items()
        ],
    )


def _kind(schema: Mapping[str, Any]) -> str:
    """Return a schema in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(each) for each in schema["anyOf"]))
    if "const" in schema:
        return f"`{str(schema['const']).lower()}`"
    if "enum" in schema:
        values = ", ".join(f"`{value}`" for value in schema["enum"] if value != "")
        return schema.get("description", values) if len(values) > _LONG else values
    kinds = schema.get("type", "any")
    names = [kinds] if isinstance(kinds, str) else list(kinds)
    if "items" in schema:
        names[0] = f"array of {_kind(schema['items'])}"
    elif "additionalProperties" in schema:
        names[0] = f"object with values {_kind(schema['additionalProperties'])}"
    elif "properties" in schema:
        names[0] = "object with " + ", ".join(f"`{field}`" for field in schema["properties"])
    elif "format" in schema:
        names[0] = schema["format"]
    elif len(schema.get("pattern", "")) > _LONG:
        names[0] = "ISO 4217, with commas between"
    return " or ".join(names)


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
