"""Plug-ins: sources of installed packages."""

import sys
from dataclasses import fields, replace
from datetime import UTC, datetime
from importlib.metadata import EntryPoint

import pytest
from builders import cases

import fxticker.sources
from fxticker.config import load_settings
from fxticker.errors import ConfigError
from fxticker.sources import History, Source, cbu
from fxticker.sources.fields import require_fields
from fxticker.sources.plugins import GROUP, installed, load
from fxticker.sources.registry import known_sources
from fxticker.sources.timesca.page import SOURCE

CASES = cases("plugins")

MODULE = """
from dataclasses import replace
from fxticker.sources.timesca.page import SOURCE as ticker
SOURCE = replace(ticker, id="mine", url="https://example.org/")
AGAIN = replace(ticker, id="mine")
TAKEN = replace(ticker, id="nbk")
PEG = replace(ticker, id="tmt-peg")
UNNAMED = replace(ticker, id="../mine")
WORD = replace(ticker, id="official")
NUMBER = 7
STALE = replace(ticker, id="mine", stale_after_days="2")
"""
TAKEN = frozenset(["timesca", "nbk"])


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A third party's module."""
    (tmp_path / "strangers_rates.py").write_text(MODULE, "utf-8")
    (tmp_path / "strangers_exit.py").write_text("import sys\nsys.exit(7)\n", "utf-8")
    (tmp_path / "strangers_fault.py").write_text("raise RuntimeError('no licence\\nfxticker: all is well')\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in ("strangers_rates", "strangers_fault", "strangers_exit"):
        sys.modules.pop(name, None)


@pytest.fixture
def package(module):
    """The same, installed."""
    folder = module / "strangers_rates-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: strangers-rates\nVersion: 1.0\n", "utf-8")
    points = "[fxticker.sources]\nmine = strangers_rates:SOURCE\nbroken = strangers_fault:SOURCE\n"
    (folder / "entry_points.txt").write_text(points, "utf-8")
    installed.cache_clear()
    yield module
    installed.cache_clear()


def points(*values):
    return [EntryPoint(f"point{number}", value, GROUP) for number, value in enumerate(values)]


def test_package_exports_what_a_plugin_needs():
    assert fxticker.sources.__all__ == [
        "DamagedPage",
        "Evidence",
        "History",
        "Kind",
        "NoTicker",
        "PrintedTick",
        "Snapshot",
        "Source",
    ]
    assert all(getattr(fxticker.sources, name) for name in fxticker.sources.__all__)


def test_source_of_a_plugin_is_loaded_by_its_id(module):
    assert load(points("strangers_rates:SOURCE"), taken=TAKEN)["mine"].url == "https://example.org/"


@pytest.mark.parametrize(("value", "reason"), CASES["unusable_plugin_is_logged_and_does_not_stop_others"])
def test_unusable_plugin_is_logged_and_does_not_stop_others(module, caplog, value, reason):
    sources = load(points(value, "strangers_rates:SOURCE"), taken=TAKEN)
    assert list(sources) == ["mine"]
    [record] = caplog.records
    assert record.getMessage().startswith(f"plug-in point0 = {value} is left out: {reason}")


NOT_OF_ITS_TYPE = {
    "id": [None, 7],
    "url": [None, b"https://example.org/", ""],
    "every": [15, "soon", ""],
    "terms_url": [7],
    "media_types": [["text/html"], "text/html", frozenset(), frozenset([7])],
    "stale_after_days": ["2", None, 0, True, 2.0],
    "parse": [None, "parse"],
    "publishes": [range(7), frozenset(), frozenset([7]), frozenset(["Monday"])],
    "frozen_after_days": ["7", 0, False],
    "holds_days": ["14", -1],
    "history": [{}, "none"],
    "parser_version": ["1", None, 0, True, 2**31],
    "evidence": [True, "whole"],
    "kind": ["official", None],
}


def test_every_field_of_a_source_is_tried_with_other_types():
    assert {*NOT_OF_ITS_TYPE} == {field.name for field in fields(Source)}
    assert {*HISTORY_NOT_OF_ITS_TYPE} == {field.name for field in fields(History)}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, bad in NOT_OF_ITS_TYPE.items() for value in bad])
def test_field_of_another_type_is_refused_by_name(name, value):
    with pytest.raises((TypeError, ValueError), match=f"{name} must be|is no interval|source's id"):
        require_fields(replace(SOURCE, **{name: value}))


HISTORY_NOT_OF_ITS_TYPE = {
    "since": ["2025-01-01", None, datetime(2025, 1, 1, tzinfo=UTC)],
    "span_days": ["1", 0],
    "path": ["/day"],
    "media_types": [None],
    "parse": [None],
    "pause_s": ["1", -1, float("nan"), True],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, bad in HISTORY_NOT_OF_ITS_TYPE.items() for value in bad]
)
def test_field_of_a_history_of_another_type_is_refused_by_name(name, value):
    history = replace(cbu.SOURCE.history, **{name: value})
    with pytest.raises(TypeError, match=f"history.{name} must be"):
        require_fields(replace(SOURCE, history=history))


def test_built_in_sources_have_fields_of_their_types():
    for source in known_sources().values():
        require_fields(source)


def test_configured_plugin_of_wrong_types_is_a_problem_of_the_configuration(package, caplog):
    (package / "strangers_rates-1.0.dist-info" / "entry_points.txt").write_text(
        "[fxticker.sources]\nmine = strangers_rates:STALE\n", "utf-8"
    )
    file = package / "config.toml"
    file.write_text("[sources.mine]\n", "utf-8")
    with pytest.raises(ConfigError, match="unknown source mine"):
        load_settings(file)
    assert "plug-in mine = strangers_rates:STALE is left out: TypeError: stale_after_days must be" in caplog.text


def test_first_of_two_plugins_with_one_id_is_used(module, caplog):
    sources = load(points("strangers_rates:SOURCE", "strangers_rates:AGAIN")[::-1], taken=TAKEN)
    assert sources["mine"].url == "https://example.org/"
    assert "there is a source mine already" in caplog.text


def test_installed_source_is_configured_like_a_built_in_one(package):
    file = package / "config.toml"
    file.write_text("[sources.mine]\nevery = '1h'\n[sources.timesca]\n", "utf-8")
    assert [(plan.source.id, plan.source.url) for plan in load_settings(file).planned()] == [
        ("mine", "https://example.org/"),
        ("timesca", "https://timesca.com/"),
    ]


def test_installed_sources_are_known_and_faults_are_logged_once(package, caplog):
    assert known_sources()["mine"].url == "https://example.org/"
    assert known_sources()["timesca"] == SOURCE
    assert known_sources()["mine"].id == "mine"
    assert [record.getMessage() for record in caplog.records] == [
        "plug-in broken = strangers_fault:SOURCE is left out: RuntimeError: no licence fxticker: all is well"
    ]


def test_packages_are_not_searched_for_built_in_sources(package, caplog):
    file = package / "config.toml"
    file.write_text("[sources.cbu]\n", "utf-8")
    assert [plan.source.id for plan in load_settings(file).planned()] == ["cbu"]
    assert "strangers_fault" not in sys.modules
    assert not caplog.records
