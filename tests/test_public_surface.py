"""Public surface: what 0.1.0 offered is still there, as listed in payloads/surface_0.1.0.json before modules moved."""

import inspect
import json
from dataclasses import fields
from pathlib import Path

import click
import pyarrow.parquet as pq
import pytest
from builders import NOON, snapshot_ticks
from prometheus_client import generate_latest

import fxticker as fx
from fxticker.cli import app
from fxticker.config import Settings, SourceSettings
from fxticker.model.records import Outcome, Poll
from fxticker.monitoring.metrics import Metrics
from fxticker.sources.registry import scheduled
from fxticker.store.schema import POLLS, TICKS
from fxticker.store.store import Store

LISTED = json.loads((Path(__file__).parent / "payloads" / "surface_0.1.0.json").read_text("utf-8"))


class Clock:
    def now(self):
        return NOON


@pytest.fixture
def store(tmp_path):
    opened = Store(tmp_path / "parquet", clock=Clock())
    opened.append(snapshot_ticks(NOON))
    opened.record([Poll("timesca", NOON, Outcome.OK, ticks=5)])
    return opened


def described(parameter):
    if isinstance(parameter, click.Argument):
        return f"{parameter.name} nargs={parameter.nargs} required={parameter.required}"
    words = sorted(parameter.opts)
    words += [word for word in ("required", "multiple") if getattr(parameter, word)]
    words += ["flag"] if parameter.is_flag else []
    words += ["|".join(parameter.type.choices)] if isinstance(parameter.type, click.Choice) else []
    default = None if parameter.is_flag or parameter.multiple else parameter.to_info_dict()["default"]
    return " ".join([*words, *([] if default is None else [f"default={default}"])])


def commands(command, name):
    found = {name: sorted(described(parameter) for parameter in command.params)}
    if isinstance(command, click.Group):
        context = click.Context(command)
        for word in command.list_commands(context):
            found |= commands(command.get_command(context, word), f"{name} {word}")
    return found


def parameters(value):
    if inspect.isclass(value) and issubclass(value, BaseException):
        return [base.__name__ for base in value.__mro__[1:-2]]
    marks = {inspect.Parameter.KEYWORD_ONLY: "*"}
    return [
        f"{marks.get(each.kind, '')}{each.name}" + ("" if each.default is each.empty else f"={each.default!r}")
        for each in inspect.signature(value).parameters.values()
    ]


ADDED_COMMANDS = (
    "fxticker alert",
    "fxticker demo-site",
    "fxticker doctor",
    "fxticker estimate",
    "fxticker evidence",
    "fxticker explain",
    "fxticker forget",
    "fxticker mirror",
    "fxticker publish",
    "fxticker rate",
    "fxticker reparse",
    "fxticker report",
    "fxticker restore",
    "fxticker serve",
    "fxticker volatility",
)
"""Since that version."""


MAX_AGE = "--max-age"
TZ = "--tz"
CHARTS = ("plot history", "plot drift", "plot path", "plot heatmap", "plot coverage", "plot compare")
OF_DAYS = (
    *("polls", "gaps", "coverage", "latest", "history", "export", "quotes", "drift", "drift-series", "drift-by-period"),
    *("changes", "decode", "resample", "peg", "convert", "compare", "best", *CHARTS),
)
"""Commands that name days."""
CHARTS_OF_LOOKUPS = ("plot drift", "plot path", "plot compare")
PER_USD = "--inverse --per-usd flag"
LOOK = ["--dpi", "--size", "--title"]
DERIVED = ("quotes", "changes", "resample", "peg")
ADDED_OPTIONS = {
    "fxticker check": ["--rewrite flag"],
    "fxticker export": [
        "--decimal-comma flag",
        "--every hour|day|week|month",
        "--format csv|json|parquet|xlsx|sqlite|ledger|hledger|beancount",
        "--sheet-per-pair flag",
        "--wide flag",
    ],
    "fxticker convert": ["--order"],
    "fxticker import": ["--processes default=1", "--scheduler"],
    "fxticker run": ["--new-store flag"],
    "fxticker latest": [MAX_AGE, "--pair multiple", "--as-of", "--watch"],
    **{
        f"fxticker {name}": [MAX_AGE, *([] if name == "plot path" else [PER_USD])]
        for name in ("drift", "drift-series", *CHARTS_OF_LOOKUPS)
    },
    "fxticker compare": [MAX_AGE, PER_USD, "--scores flag"],
    **{f"fxticker {name}": [PER_USD] for name in DERIVED},
}
for _name in ("drift-by-period", "plot heatmap"):
    ADDED_OPTIONS[f"fxticker {_name}"] = [f"{MAX_AGE} default=any", PER_USD]
for _name in ("polls", "gaps", "coverage", "plot coverage"):
    ADDED_OPTIONS.setdefault(f"fxticker {_name}", []).append("--as-of")
for _name in OF_DAYS:
    ADDED_OPTIONS.setdefault(f"fxticker {_name}", []).append(TZ)
for _name in CHARTS:
    ADDED_OPTIONS[f"fxticker {_name}"] += LOOK
"""Of commands that it had."""
TABLES = {
    **{
        f"fxticker {name}": ["--all flag", "--limit", "--wide flag"]
        for name in (*DERIVED, "latest", "history", "drift", "drift-series", "drift-by-period", "decode", "compare")
    },
    **{f"fxticker {name}": ["--all flag", "--limit", "--wide flag"] for name in ("coverage", "gaps", "best")},
    "fxticker polls": ["--all flag", "--wide flag"],
}
"""Options of all commands that print rows."""
ADDED_NAMES = {"estimate", "explain", "monthly_report", "rate", "save_frame", "scores", "volatility"}
CHANGED_OPTIONS = {
    "fxticker backfill": {
        "--archive wayback|commoncrawl default=wayback": (
            "--archive wayback|commoncrawl|commoncrawl-columnar default=wayback"
        )
    },
    **{f"fxticker {name}": {"--end required": "--end"} for name in ("drift", "plot drift")},
    "fxticker convert": {"--max-age default=1D": MAX_AGE},
    "fxticker polls": {"--limit default=50": "--limit"},
    "fxticker best": {"--max-age default=14D": MAX_AGE},
    **{f"fxticker plot {name}": {"--inverse flag": PER_USD} for name in ("history", "path")},
}
"""Words of the list, and those that stand for them now: an age limit is that of the source, an end is now, a
pipe gets all polls, and `--inverse` is the old name of `--per-usd`."""
ADDED_PARAMETERS = {
    "latest": ["*pairs=None", "*as_of=None", "*max_age=None"],
    **{name: ["*max_age=None", "*per_usd=False"] for name in ("drift", "drift_series", "compare", "lags")},
    **{name: ["*per_usd=False"] for name in DERIVED},
    "drift_by_period": ["*max_age='any'", "*per_usd=False"],
    "convert": ["*order=None"],
}
for _name in ("coverage", "gaps", "load_polls"):
    ADDED_PARAMETERS.setdefault(_name, []).append("*as_of=None")
for _name in ("quotes", "drift", "drift_series", "drift_by_period", "changes", "resample"):
    ADDED_PARAMETERS[_name] = [*ADDED_PARAMETERS[_name], "*order=None"]
for _name in (
    *("load", "load_polls", "wide", "latest", "as_of", "quotes", "drift", "drift_series", "drift_by_period", "changes"),
    *("decode", "rollovers", "resample", "peg", "coverage", "gaps", "convert", "best", "compare", "lags"),
):
    ADDED_PARAMETERS.setdefault(_name, []).append("*tz='UTC'")
ADDED_PARAMETERS["load"].append("*returns='pandas'")
_LOOK = ["*ax=None", "*figsize=None", "*title=None"]
_SPAN = ["*sources=None", "*start=None", "*end=None", "*tz=None"]
_DERIVED = [*_SPAN, "*pairs=None", "*as_of=None", "*per_usd=False", *_LOOK]
ADDED_PARAMETERS |= {
    "plot_compare": [*_DERIVED, "*max_age=None"],
    "plot_coverage": [*_SPAN, "*as_of=None", *_LOOK],
    "plot_drift": [*_DERIVED, "*max_age=None", "*base=None", "*order=None"],
    "plot_heatmap": [*_DERIVED, "*max_age=None", "*freq=None", "*order=None"],
    "plot_history": [*_DERIVED, "*order=None"],
    "plot_path": [*_DERIVED, "*max_age=None", "*base=None", "*order=None"],
    "save_figure": ["*dpi=None"],
}
"""A chart takes a store, with the arguments of the function that computes its frame, and a size, axes or a title."""
CHANGED_PARAMETERS = {
    "drift": {"*end": "*end=None"},
    "convert": {"*max_age='1D'": "*max_age=None"},
    "best": {"*max_age='14D'": "*max_age=None"},
}
ADDED_FILES = ["store.id"]


def test_commands_and_their_options_match_the_list():
    found = {name: words for name, words in commands(app, "fxticker").items() if name not in ADDED_COMMANDS}
    listed = {name: sorted(words) for name, words in changed(LISTED["commands"], CHANGED_OPTIONS).items()}
    found = without(without(found, TABLES), ADDED_OPTIONS)
    assert {name: sorted(words) for name, words in found.items()} == listed


def test_public_names_have_the_listed_parameters():
    names = set(fx.__all__) - {"__version__"} - ADDED_NAMES
    found = {name: parameters(getattr(fx, name)) for name in names}
    assert without(found, ADDED_PARAMETERS) == changed(LISTED["names"], CHANGED_PARAMETERS)


def without(found, added):
    for name, words in added.items():
        assert {*words} <= {*found[name]}
    return {name: [word for word in words if word not in added.get(name, ())] for name, words in found.items()}


def changed(listed, changes):
    return {name: [changes.get(name, {}).get(word, word) for word in words] for name, words in listed.items()}


def test_columns_begin_with_the_list_and_added_ones_may_be_null():
    for table in (TICKS, POLLS):
        columns = [[field.name, str(field.type), field.nullable] for field in table.schema]
        listed = LISTED["columns"][table.name]
        assert columns[: len(listed)] == listed
        assert all(nullable for _, _, nullable in columns[len(listed) :])


def test_files_and_their_metadata_match_the_list(store, tmp_path):
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    names = [str(path.relative_to(tmp_path)) for path in files if path.name not in ADDED_FILES]
    assert names == LISTED["files"]
    assert sorted(key.decode() for key in pq.read_metadata(files[-1]).metadata) == LISTED["metadata"]


def test_metrics_of_the_list_are_there(store):
    metrics = Metrics(store=store, clock=Clock())
    metrics.started([scheduled("timesca")])
    metrics.polled(Poll("timesca", NOON, Outcome.OK, ticks=5))
    lines = generate_latest(metrics.registry).decode().splitlines()
    types = {line.removeprefix("# TYPE ") for line in lines if line.startswith("# TYPE fxticker")}
    listed = {line for line in LISTED["metrics"] if not line.endswith("_created gauge")}  # no longer exported
    assert listed - types == set()


def test_outcomes_are_those_of_the_list_and_clock():
    assert [str(outcome) for outcome in Outcome] == [*LISTED["outcomes"], "clock"]


def test_configuration_keys_of_the_list_have_their_defaults():
    settings = Settings()
    tables = {name: getattr(settings, name) for name in ("store", "http", "monitoring", "alerts", "archives")}
    tables["sources.ID"] = SourceSettings()
    stated = {
        name: {field.name: getattr(table, field.name) for field in fields(table)} for name, table in tables.items()
    }
    texts = {
        name: {key: None if value is None else str(value) for key, value in table.items()}
        for name, table in stated.items()
    }
    assert {
        name: {key: value for key, value in texts[name].items() if key in table}
        for name, table in LISTED["config"].items()
    } == LISTED["config"]
