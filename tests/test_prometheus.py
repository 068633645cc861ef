"""What is shipped for Prometheus and Grafana fits the daemon's metrics, as Prometheus' own programs judge it.

Debian's package `prometheus` has these programs. Without it these tests are skipped, but never where CI runs them.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import threading
import urllib.parse
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from builders import NOON, FixedClock, snapshot_ticks
from prometheus_client.parser import text_string_to_metric_families
from servers import get

from fxticker.model.clock import SystemClock
from fxticker.model.clock_trust import ClockComparison, Trust
from fxticker.model.records import Outcome, Poll
from fxticker.monitoring.exposition import exposition
from fxticker.monitoring.http import MetricsServer
from fxticker.monitoring.metrics import Metrics
from fxticker.sources.registry import scheduled

CONTRIB = Path(__file__).parents[1] / "contrib"
RULES = CONTRIB / "prometheus" / "fxticker.rules.yml"
DASHBOARD = json.loads((CONTRIB / "grafana" / "fxticker.json").read_text("utf-8"))
VARIABLES = {"$__rate_interval": "5m", "$source": "timesca", "$pair": "KZT/USD"}
needs_prometheus = pytest.mark.skipif(
    shutil.which("promtool") is None and "CI" not in os.environ, reason="Debian's package prometheus is not installed"
)


@pytest.fixture
def metrics(store):
    """Metrics of a daemon that has polled, and seen every kind of event."""
    store.append(snapshot_ticks())
    store.record([Poll("timesca", NOON, Outcome.OK, started_at=NOON, duration_ms=300, ticks=5)])
    metrics = Metrics(store=store, clock=FixedClock())
    metrics.started([scheduled("timesca")])
    metrics.polled(Poll("timesca", NOON, Outcome.OK, started_at=NOON, duration_ms=300, ticks=5))
    metrics.write_ended(0.01, None)
    metrics.clock_compared("timesca", ClockComparison(Trust.CONFIRMED, NOON, NOON, timedelta(0), None))
    return metrics


@pytest.fixture
def exported(metrics):
    """Names of all series of the page."""
    text = exposition(metrics.registry, "")[1].decode()
    return {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}


@needs_prometheus
def test_configuration_of_the_compose_file_finds_its_rules():
    code, printed = promtool("check", "config", CONTRIB / "prometheus" / "prometheus.yml")
    assert (code, "12 rules found" in printed) == (0, True)


def promtool(*arguments, text=None, cwd=None):
    done = subprocess.run(["promtool", *map(str, arguments)], input=text, capture_output=True, check=False, cwd=cwd)
    return done.returncode, (done.stdout + done.stderr).decode()


def names_in(expression):
    return set(re.findall(r"\b(?:fxticker|process)_[a-z0-9_]+", expression))


def expressions():
    """The query of each panel, with values in place of Grafana's variables."""
    found = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    for name, value in VARIABLES.items():
        found = [expression.replace(name, value) for expression in found]
    return found


# The page


@needs_prometheus
def test_page_passes_promtool(metrics):
    code, output = promtool("check", "metrics", text=exposition(metrics.registry, "")[1])
    assert (code, output) == (0, "")


def test_page_and_its_documentation_name_the_same_metrics(exported):
    page = (CONTRIB.parent / "docs" / "running.md").read_text("utf-8")
    rows = page.partition("| metric | labels")[2].partition("\n\n")[0].splitlines()[2:]
    named = {f"fxticker_{name}" for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    known = {re.sub("_(bucket|count|sum)$", "", name) for name in exported if name.startswith("fxticker_")}
    assert named == known


# The rules


@needs_prometheus
def test_rules_are_valid_and_pass_their_tests():
    assert promtool("check", "rules", RULES)[0] == 0
    code, output = promtool("test", "rules", "fxticker.rules.test.yml", cwd=RULES.parent)
    assert (code, "SUCCESS" in output) == (0, True), output


def test_each_rule_has_a_case_in_which_it_fires_and_one_in_which_it_does_not():
    rules = re.findall(r"- alert: (\w+)", RULES.read_text("utf-8"))
    cases = RULES.with_name("fxticker.rules.test.yml").read_text("utf-8")
    fires = re.findall(r"alertname: (\w+)\n\s+exp_alerts:", cases)
    silent = re.findall(r"alertname: (\w+)}", cases)
    assert len(rules) == len(set(rules)) >= 10
    assert set(rules) == set(fires) == set(silent)


def test_each_metric_of_something_wrong_has_a_rule(exported):
    used = names_in(RULES.read_text("utf-8"))
    watched = {name for name in exported if re.search("healthy|fail|free|offset|jumps_total|successful", name)}
    assert watched - used == set()


def test_rules_use_only_exported_metrics(exported):
    used = names_in("\n".join(re.findall(r"expr: (.*)", RULES.read_text("utf-8"))))
    assert len(used) >= 8
    assert used - exported == set()


# The dashboard


def test_dashboard_uses_only_exported_metrics(exported):
    used = names_in("\n".join(expressions()))
    assert used - exported == set()
    assert {"fxticker_rate", "fxticker_rate_lo", "fxticker_rate_hi", "fxticker_polls_total"} <= used
    assert "fxticker_source_healthy" in used


@needs_prometheus
def test_queries_of_the_dashboard_are_valid(tmp_path):
    rules = [{"record": f"panel:query:{number}", "expr": query} for number, query in enumerate(expressions())]
    file = tmp_path / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}), "utf-8")  # JSON is YAML
    code, output = promtool("check", "rules", file)
    assert (code, f"{len(rules)} rules found" in output) == (0, True), output


def test_panels_of_the_dashboard_stand_apart_and_use_its_data_source():
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) >= 6
    cells = [
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in panels
        for x in range(panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    sources = [holder["datasource"]["uid"] for panel in panels for holder in (panel, *panel["targets"])]
    assert set(sources) == {"${datasource}"}
    assert all(panel["title"] and panel["description"] for panel in panels)


def test_variables_of_the_dashboard_are_declared():
    declared = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]\w*)", json.dumps(DASHBOARD)))
    assert used == declared


# A real server


@contextmanager
def prometheus(folder, target):
    """Prometheus' server, which scrapes one target each second and has the rules; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    job = {"job_name": "fxticker", "scrape_interval": "1s", "static_configs": [{"targets": [target]}]}
    config = {"global": {"evaluation_interval": "1s"}, "rule_files": [str(RULES)], "scrape_configs": [job]}
    (folder / "prometheus.yml").write_text(json.dumps(config), "utf-8")
    command = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, f"--web.listen-address={address}"], stdout=log, stderr=log)
    try:
        yield f"http://{address}"
    finally:
        process.kill()
        process.wait(20)


def asked(url, until, tries=300):
    """The answer of Prometheus' API once it is what is waited for; the last one after half a minute."""
    pause, answer = threading.Event(), None
    for _ in range(tries):
        with suppress(OSError, ValueError):  # it starts, and says so as text
            answer = json.loads(get(url)[2])["data"]
        if answer is not None and until(answer):
            break
        pause.wait(0.1)
    return answer


@pytest.mark.slow
@needs_prometheus
def test_real_server_scrapes_the_daemon_and_evaluates_the_rules(store, tmp_path):
    now = SystemClock().now().replace(microsecond=0)
    store.append(snapshot_ticks(now))
    store.record([Poll("timesca", now, Outcome.OK, ticks=5)])
    metrics = Metrics(store=store, clock=SystemClock())
    metrics.started([scheduled("timesca")])
    with MetricsServer(metrics, ("127.0.0.1", 0)) as served:
        target = served.url.removeprefix("http://").rstrip("/")
        with prometheus(tmp_path, target) as url:
            query = urllib.parse.quote('fxticker_rate{pair="KZT/USD"}')
            answer = asked(f"{url}/api/v1/query?query={query}", lambda data: data["result"])
            [series] = answer["result"]
            rules = asked(
                f"{url}/api/v1/rules",
                lambda data: all(rule["health"] != "unknown" for rule in data["groups"][0]["rules"]),
            )
            [state] = asked(f"{url}/api/v1/targets", lambda data: data["activeTargets"])["activeTargets"]
    assert series["metric"] == {
        "__name__": "fxticker_rate",
        "instance": target,
        "job": "fxticker",
        "pair": "KZT/USD",
        "source": "timesca",
    }
    assert series["value"][1] == "0.00191"
    assert {rule["health"] for rule in rules["groups"][0]["rules"]} == {"ok"}
    assert "firing" not in {rule["state"] for rule in rules["groups"][0]["rules"]}
    assert (state["health"], state["lastError"]) == ("up", "")
