"""The page about an installation: what fails is named and is exit code 1, and no secret is on it."""

import json
import socket
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from builders import NOON, FixedClock, snapshot_ticks
from click.testing import CliRunner
from servers import refusing_url
from store_faults import flip

from fxticker.cli import app
from fxticker.config import load_settings
from fxticker.doctor.fact import Fact, without_secrets
from fxticker.doctor.machine import clock_fact, disk_fact
from fxticker.doctor.network import network_facts
from fxticker.doctor.service import service_fact
from fxticker.doctor.stored import store_facts
from fxticker.model.records import Outcome, Poll
from fxticker.store.store import Store

SECRET = "hunter2"
CONFIG = f"""
[alerts]
on_alert = "notify --token {SECRET}"
heartbeat_url = "http://127.0.0.1:8123/ping/{SECRET}?key={SECRET}"
[sources.timesca]
url = "http://127.0.0.1:8124/?key={SECRET}"
"""
ELSEWHERE = Path("/var/lib/fxticker/parquet")
MOUNTS = """\
/dev/vda / ext4 rw 0 0
tmpfs {root}/in\\040memory tmpfs rw 0 0
"""


@pytest.fixture
def doctor(written, tmp_path):
    """Run the command with a configuration and a store's folder; its exit code and what it prints."""

    def run(*words, config=CONFIG):
        result = CliRunner().invoke(
            app, ["doctor", "--config", str(written(config)), "--store", str(tmp_path / "parquet"), *words]
        )
        return result.exit_code, result.output

    return run


def states(facts):
    return [(fact.about, fact.state) for fact in facts]


@pytest.mark.parametrize("kind", ["table", "csv", "json"])
def test_page_has_hosts_and_no_secret(doctor, monkeypatch, kind):
    monkeypatch.setenv("FXTICKER_HTTP__PROXY", f"http://user:{SECRET}@127.0.0.1:3128")
    _, page = doctor("--format", kind)
    assert SECRET not in page
    for known in ("127.0.0.1:3128", "127.0.0.1:8123", "127.0.0.1:8124", "FXTICKER_HTTP__PROXY", "pyarrow"):
        assert known in page


def test_what_fails_is_named_and_is_exit_code_1(doctor):
    code, page = doctor(config="[sources.timesca]\nurl = 'ftp://x'\n[store]\npath = 3\n")
    assert code == 1
    assert page.splitlines()[-1].startswith("failing: ")
    assert "config" in page.splitlines()[-1]
    assert "sources.timesca.url" in page
    assert "python " in page


def test_document_says_whether_something_fails_as_the_exit_code_does(doctor):
    code, page = doctor("--format", "json")
    document = json.loads(page)
    assert document["well"] == (code == 0) == all(fact["state"] != "fails" for fact in document["facts"])
    assert {fact["about"] for fact in document["facts"]} >= {"clock", "config", "disk", "store", "network", "systemd"}


def test_lines_fit_a_terminal(doctor, tmp_path):
    _, page = doctor()
    assert [line for line in page.splitlines() if len(line) > 80 and str(tmp_path) not in line] == []


@pytest.mark.parametrize(("answer", "state"), [(True, "ok"), (False, "fails"), (None, "note")])
def test_clock_that_is_not_synchronised_fails(answer, state):
    assert clock_fact(NOON, ask=lambda now: answer).state == state


def test_disk_is_that_of_the_folder_or_of_where_it_will_be(tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS.format(root=tmp_path))
    (tmp_path / "in memory").mkdir()
    fact = disk_fact(tmp_path / "in memory" / "not" / "there", 0, mounts=mounts)
    assert (fact.state, "tmpfs" in fact.text) == ("note", True)
    assert disk_fact(tmp_path / "other", 0, mounts=mounts).text.endswith("ext4")
    assert disk_fact(tmp_path, 0, mounts=tmp_path / "none").text.endswith("file system not known")


def test_disk_with_less_than_the_alerts_limit_fails(tmp_path):
    assert disk_fact(tmp_path, 10**12).state == "fails"


def test_store_that_is_not_there_yet_is_no_failure(root):
    assert states(store_facts(root, NOON)) == [("store", "note")]


def test_store_is_named_with_its_last_polls(root):
    store = Store(root, clock=FixedClock(NOON))
    store.append(snapshot_ticks(NOON))
    store.record([Poll("timesca", NOON, Outcome.OK, ticks=5)])
    known, polls = store_facts(root, NOON + timedelta(hours=1))
    assert (root / "store.id").read_text().strip() in known.text
    assert "daemon: none runs" in known.text
    assert polls == Fact("polls", "ok", "last of timesca: 2025-11-14 12:00 ok")


def test_damage_and_rows_ahead_of_the_clock_fail(root):
    Store(root, clock=FixedClock(NOON)).append(snapshot_ticks(NOON))
    assert states(store_facts(root, NOON)) == [("store", "ok"), ("polls", "ok")]
    ahead = list(store_facts(root, NOON - timedelta(days=1)))[-1]
    assert (ahead.state, "5 ticks of timesca" in ahead.text) == ("fails", True)
    segment = next(root.rglob("ticks/**/*.parquet"))
    flip(segment, -6)
    damage = list(store_facts(root, NOON))[-1]
    assert (damage.state, "month=2025-11/00000.parquet" in damage.text) == ("fails", True)


def test_folder_of_other_things_fails_as_a_store(root):
    root.mkdir()
    (root / "notes.txt").touch()
    assert states(store_facts(root, NOON)) == [("store", "fails")]


def test_name_without_an_address_fails(written):
    def look_up(host, port):
        raise socket.gaierror(-2, "Name or service not known")

    facts = list(network_facts(load_settings(written(CONFIG)), ELSEWHERE, look_up=look_up))
    assert states(facts) == [("network", "fails"), ("network", "fails"), ("network", "ok"), ("trust", "ok")]
    assert "Name or service not known" in facts[0].text


def test_name_server_that_does_not_answer_is_not_waited_for(written):
    hanging = threading.Event()
    facts = list(
        network_facts(load_settings(written("")), ELSEWHERE, look_up=lambda host, port: hanging.wait(5), within_s=0.01)
    )
    hanging.set()
    assert facts[0] == Fact("network", "fails", "timesca.com:443 (timesca) has no address: no answer within 0.01 s")


def test_behind_a_proxy_only_its_own_name_is_looked_up(written, monkeypatch):
    monkeypatch.setenv("FXTICKER_HTTP__PROXY", "http://proxy.example:3128")
    asked = []
    facts = list(network_facts(load_settings(written("")), ELSEWHERE, look_up=lambda *host: asked.append(host)))
    assert asked == [("proxy.example", 3128)]
    assert "timesca.com:443" in facts[0].text
    assert "object storage" not in facts[2].text


def test_object_storage_is_a_host_that_is_contacted(written):
    facts = list(network_facts(load_settings(written(CONFIG)), "s3://bucket/parquet"))
    assert facts[2].text.startswith("no other host is contacted, but that of the object storage, and by `backfill")


@pytest.fixture
def user_unit(tmp_path, monkeypatch):
    """A user's unit and a systemctl that answers with the given properties; the environment that leads to both."""

    def there(answer):
        unit = tmp_path / "config" / "systemd" / "user" / "fxticker.service"
        unit.parent.mkdir(parents=True)
        unit.touch()
        systemctl = tmp_path / "bin" / "systemctl"
        systemctl.parent.mkdir()
        systemctl.write_text(f"#!/bin/sh\ncat <<'END'\n{answer}\nEND\n")
        systemctl.chmod(0o755)
        monkeypatch.setenv("PATH", f"{systemctl.parent}:/bin:/usr/bin")
        return {"XDG_CONFIG_HOME": str(tmp_path / "config")}

    return there


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ("ActiveState=active\nUnitFileState=enabled\nNRestarts=0", "ok"),
        ("ActiveState=active\nUnitFileState=disabled\nNRestarts=0", "note"),
        ("ActiveState=failed\nUnitFileState=enabled\nNRestarts=5", "fails"),
    ],
)
def test_unit_that_failed_fails_and_one_that_does_not_start_by_itself_is_noted(user_unit, tmp_path, answer, state):
    fact = service_fact(user_unit(answer), booted=tmp_path)
    assert fact.state == state
    assert f"NRestarts {answer[-1]}" in fact.text


def test_machine_without_systemd_is_no_failure(tmp_path):
    fact = service_fact({"XDG_CONFIG_HOME": str(tmp_path)}, booted=tmp_path / "none")
    assert fact == Fact("systemd", "note", "does not run here")


def test_home_directory_is_not_named():
    fact = Fact("store", "ok", "/home/aigul/fx/parquet; id 1")
    assert without_secrets(fact, Path("/home/aigul")).text == "~/fx/parquet; id 1"
    assert without_secrets(fact, Path("/")) == fact


def test_url_that_an_error_quotes_loses_all_but_its_host():
    fact = Fact("store", "fails", f"GET http://u:{SECRET}@127.0.0.1:9/{SECRET}?key={SECRET} in 28 ms, twice")
    assert without_secrets(fact, Path("/")).text == "GET http://127.0.0.1:9 in 28 ms, twice"


def test_object_storage_that_cannot_be_reached_fails(monkeypatch):
    with refusing_url() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        monkeypatch.setenv("AWS_REGION", "eu")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", SECRET)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        (fact,) = store_facts("s3://bucket/parquet", NOON)
    assert (fact.about, fact.state) == ("store", "fails")
    assert "s3://bucket/parquet" in fact.text
    assert SECRET not in fact.text
