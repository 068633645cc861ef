import os
import re
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
from builders import cases

from fxticker.config import (
    ArchiveSettings,
    HttpSettings,
    Settings,
    address_of,
    load_settings,
    slow_polls,
    sources_to_poll,
)
from fxticker.errors import ConfigError
from fxticker.model.schedule import Cron, Every
from fxticker.sources.registry import known_sources, source_of

CASES = cases("config")
REPOSITORY = Path(__file__).parents[1]


def problems_of(file):
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    assert caught.value.origin == str(file)
    return caught.value.problems


# What is read


def test_repository_configuration_states_the_defaults():
    stated, defaults = load_settings(REPOSITORY / "config.toml"), Settings()
    assert stated.http == defaults.http
    assert stated.archives == defaults.archives
    assert stated.planned() == defaults.planned()
    assert stated.store.path == REPOSITORY / "parquet"


def test_repository_configuration_names_every_key():
    stated = tomllib.loads((REPOSITORY / "config.toml").read_text("utf-8"))
    assert set(stated) == {"store", "http", "monitoring", "alerts", "archives", "rate", "sources"}
    assert set(stated["store"]) == {"path"}
    assert set(stated["http"]) == {"timeout_s", "max_bytes", "user_agent"}
    assert set(stated["archives"]) == {"wayback", "commoncrawl_index", "commoncrawl_data"}
    assert set(stated["sources"]["timesca"]) == {"enabled", "url", "every"}
    text = (REPOSITORY / "config.toml").read_text("utf-8")
    assert '# proxy = "http' in text
    assert '# ca_file = "' in text
    assert '# listen = "127.0.0.1:9464"' in text  # what is off by default has a comment only
    assert '# on_alert = "' in text


def test_empty_file_means_the_defaults(written):
    settings = load_settings(written(""))
    [planned] = settings.planned()
    assert (settings.http.timeout_s, settings.http.max_bytes) == (20, 5_000_000)
    assert (planned.source.id, planned.source.url) == ("timesca", "https://timesca.com/")
    assert planned.schedule == Every(timedelta(minutes=15), timedelta(minutes=11, seconds=17))


def test_no_file_means_the_defaults(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_settings() == Settings()
    assert load_settings().store.path == Path("parquet")


def test_file_in_the_working_directory_is_read(written, monkeypatch):
    monkeypatch.chdir(written("[http]\ntimeout_s = 7\n").parent)
    assert load_settings().http.timeout_s == 7


def test_every_key_can_be_set(written):
    file = written(CASES["every_key_can_be_set"])
    settings = load_settings(file)
    cbr, nbk, timesca = sources_to_poll(settings, file)
    assert settings.store.path == Path("/var/lib/fxticker")
    assert settings.http == HttpSettings(
        timeout_s=0.5,
        max_bytes=1000,
        user_agent="me (+mailto:me@example.org)",
        proxy="http://127.0.0.1:3128",
        ca_file=Path("/etc/ssl/own.pem"),
    )
    assert (settings.monitoring.listen, address_of(settings.monitoring.listen)) == ("[::1]:9464", ("::1", 9464))
    assert settings.alerts.on_alert == "page --who 'the admin'"
    assert settings.archives == ArchiveSettings(
        wayback="http://127.0.0.1:1/wayback/",
        commoncrawl_index="http://127.0.0.1:2/",
        commoncrawl_data="http://127.0.0.1:3/",
    )
    assert (nbk.source.id, nbk.source.url) == ("nbk", "https://nationalbank.kz/rss/get_rates.cfm")
    assert (cbr.source.id, cbr.schedule.interval) == ("cbr", timedelta(minutes=20))
    assert (timesca.source.url, timesca.schedule) == ("http://127.0.0.1:8000/page", Cron("*/5 * * * *"))


def test_source_with_a_table_is_polled(written):
    planned = load_settings(written("[sources.nbkr]\n[sources.timesca]\n")).planned()
    assert [plan.source.id for plan in planned] == ["nbkr", "timesca"]
    assert planned[0].source == source_of("nbkr")
    assert planned[0].schedule.interval == timedelta(hours=6)


def test_repository_configuration_documents_every_source(written):
    text = (REPOSITORY / "config.toml").read_text("utf-8")
    plain = re.sub(r"^# (\[sources|url =|every =)", r"\1", text, flags=re.MULTILINE)
    stated = load_settings(written(plain))
    assert set(stated.sources) == set(known_sources())
    for name, chosen in stated.sources.items():
        assert (chosen.url, chosen.every) == (source_of(name).url, source_of(name).every)
    assert set(load_settings(REPOSITORY / "config.toml").sources) == {"timesca"}


def test_disabled_source_is_not_planned_and_nothing_to_poll_is_a_problem(written):
    file = written("[sources.timesca]\nenabled = false\n")
    assert load_settings(file).planned() == []
    with pytest.raises(ConfigError, match="none is enabled"):
        sources_to_poll(load_settings(file), file)


@pytest.mark.parametrize("path", ["data", "./data", "deep/../data"])
def test_relative_store_starts_at_the_files_folder(written, monkeypatch, tmp_path_factory, path):
    file = written(f'[store]\npath = "{path}"\n')
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert load_settings(file).store.path.resolve() == file.parent / "data"


# The environment


def test_environment_takes_precedence_over_the_file(written, monkeypatch):
    file = written("""
        [store]
        path = "data"
        [http]
        timeout_s = 7
        max_bytes = 1_000
        [sources.timesca]
        enabled = true
        url = "http://127.0.0.1:8000/"
        every = "1h"
    """)
    monkeypatch.setenv("FXTICKER_STORE__PATH", "/srv/rates")
    monkeypatch.setenv("FXTICKER_HTTP__TIMEOUT_S", "3.5")
    monkeypatch.setenv("FXTICKER_SOURCES__TIMESCA__EVERY", "5min")
    settings = load_settings(file)
    [planned] = settings.planned()
    assert settings.store.path == Path("/srv/rates")
    assert (settings.http.timeout_s, settings.http.max_bytes) == (3.5, 1000)
    assert planned.source.url == "http://127.0.0.1:8000/"
    assert planned.schedule.interval == timedelta(minutes=5)


def test_environment_does_not_hide_a_value_in_place_of_a_table(written, monkeypatch):
    monkeypatch.setenv("FXTICKER_HTTP__TIMEOUT_S", "3.5")
    monkeypatch.setenv("FXTICKER_SOURCES__TIMESCA__EVERY", "5min")
    found = problems_of(written("http = 5\n[sources]\ntimesca = 5"))
    assert [problem.partition(":")[0] for problem in found] == ["http", "sources.timesca"]


def test_environment_is_enough_without_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FXTICKER_SOURCES__TIMESCA__ENABLED", "false")
    monkeypatch.setenv("FXTICKER_STORE__PATH", "rates")
    settings = load_settings()
    assert settings.planned() == []
    assert settings.store.path == Path("rates")


@pytest.mark.parametrize("name", ["FXTICKER_STROE__PATH", "FXTICKER_FOO", "FXTICKER_STOREPATH", "FXTICKER_"])
def test_unknown_variable_is_named_with_what_is_allowed(written, monkeypatch, name):
    monkeypatch.setenv(name, "1")
    assert problems_of(written("")) == [
        (
            f"environment variable {name}: unknown; allowed are FXTICKER_CONFIG, FXTICKER_STORE__…, "
            "FXTICKER_HTTP__…, FXTICKER_MONITORING__…, FXTICKER_ALERTS__…, FXTICKER_ARCHIVES__…, FXTICKER_RATE__…, "
            "FXTICKER_SOURCES__…"
        )
    ]


@pytest.mark.parametrize(("name", "value", "problem"), CASES["bad_variable_is_named_as_its_key"])
def test_bad_variable_is_named_as_its_key(written, monkeypatch, name, value, problem):
    monkeypatch.setenv(name, value)
    [found] = problems_of(written(""))
    assert found.startswith(problem)
    assert found.endswith(f", in the environment variable {name}") or "unknown source" in found


@pytest.mark.parametrize("name", ["FXTICKER_STORE", "FXTICKER_HTTP", "FXTICKER_SOURCES"])
def test_variable_that_names_a_table_is_a_named_problem(written, monkeypatch, name):
    monkeypatch.setenv(name, "parquet")
    [found] = problems_of(written(""))
    assert name in found


# What is refused


def test_all_problems_are_named_at_once(written, monkeypatch):
    monkeypatch.setenv("FXTICKER_STROE__PATH", "x")
    file = written(r"""
        colour = "red"
        [store]
        paht = "data"
        [http]
        timeout_s = "soon"
        max_bytes = 0
        user_agent = "two\nlines"
        [sources.timesca]
        every = "15m"
        evry = "15min"
    """)
    named = [problem.partition(":")[0] for problem in problems_of(file)]
    assert sorted(named) == [
        "colour",
        "environment variable FXTICKER_STROE__PATH",
        "http.max_bytes",
        "http.timeout_s",
        "http.user_agent",
        "sources.timesca.every",
        "sources.timesca.evry",
        "store.paht",
    ]


@pytest.mark.parametrize(("text", "problem"), CASES["bad_key_or_value_is_named_with_what_is_allowed"])
def test_bad_key_or_value_is_named_with_what_is_allowed(written, text, problem):
    [found] = problems_of(written(text))
    assert found.startswith(problem)


@pytest.mark.parametrize(
    "text",
    [
        "[sources.timesca]\nurl = 'https://user:hunter2@timesca.com/'\n",
        "[alerts]\non_alert = 'page --key hunter2 \"'\n",
        "[http]\nproxy = 'http://me:hunter2@proxy:3128'\n",
        "[archives]\nwayback = 'https://me:hunter2@web.archive.org/'\n",
    ],
)
def test_refusal_does_not_repeat_a_secret(written, text):
    [found] = problems_of(written(text))
    assert "hunter2" not in found


@pytest.mark.parametrize(
    ("listen", "address"),
    [("127.0.0.1:9464", ("127.0.0.1", 9464)), ("127.8.8.8:1", ("127.8.8.8", 1)), ("[::1]:65535", ("::1", 65535))],
)
def test_metrics_are_served_on_a_loopback_address(written, listen, address):
    settings = load_settings(written(f"[monitoring]\nlisten = '{listen}'\n"))
    assert address_of(settings.monitoring.listen) == address


def test_monitoring_and_alerts_are_off_by_default(written):
    settings = load_settings(written(""))
    assert (settings.monitoring.listen, settings.alerts.on_alert) == (None, None)


def test_environment_sets_monitoring_alerts_and_archives(written, monkeypatch):
    monkeypatch.setenv("FXTICKER_ARCHIVES__WAYBACK", "http://127.0.0.1:8000/")
    monkeypatch.setenv("FXTICKER_MONITORING__LISTEN", "127.0.0.1:9464")
    monkeypatch.setenv("FXTICKER_ALERTS__ON_ALERT", "page me")
    settings = load_settings(written(""))
    assert (settings.monitoring.listen, settings.alerts.on_alert) == ("127.0.0.1:9464", "page me")
    assert settings.archives.wayback == "http://127.0.0.1:8000/"


@pytest.mark.parametrize(("timeout_s", "cadence", "interval_s"), CASES["request_must_end_before_the_next_slot"])
def test_request_must_end_before_the_next_slot(written, timeout_s, cadence, interval_s):
    text = f"[http]\ntimeout_s = {timeout_s}\n[sources.timesca]\n{cadence}\n"
    assert problems_of(written(text)) == [
        f"http.timeout_s: {timeout_s} s is not shorter than the interval of timesca, {interval_s} s"
    ]


def test_intervals_are_compared_with_the_time_limit_in_force(written):
    settings = load_settings(written("[http]\ntimeout_s = 5\n[sources.timesca]\nevery = '10s'\n"))
    assert slow_polls(settings.planned(), 9) == []
    [problem] = slow_polls(settings.planned(), 20)
    assert problem == "http.timeout_s: 20 s is not shorter than the interval of timesca, 10 s"


def test_request_just_shorter_than_the_interval_is_allowed(written):
    assert load_settings(written("[http]\ntimeout_s = 899.9\n")).http.timeout_s == 899.9


def test_disabled_source_does_not_limit_the_timeout(written):
    assert load_settings(written("[http]\ntimeout_s = 900\n[sources.timesca]\nenabled = false\n")).planned() == []


@pytest.mark.parametrize("data", [b"a =", b"[store\n", b'a = "\xff"', b"[http]\ntimeout_s = 1\ntimeout_s = 2\n"])
def test_broken_toml_is_named(tmp_path, data):
    file = tmp_path / "config.toml"
    file.write_bytes(data)
    [found] = problems_of(file)
    assert found.startswith("no valid TOML: ")


def test_missing_file_is_named(tmp_path):
    assert problems_of(tmp_path / "none.toml") == ["No such file or directory"]


def test_folder_is_no_configuration(tmp_path):
    assert problems_of(tmp_path) == ["Is a directory"]


@pytest.mark.parametrize("name", ["fifo", "/dev/zero"])
def test_special_file_is_refused_at_once(tmp_path, name):
    os.mkfifo(tmp_path / "fifo")
    assert problems_of(tmp_path / name) == ["must be a file of at most 1000000 bytes"]


def test_message_names_the_file_and_every_problem(written):
    file = written("[store]\npaht = 1\n[http]\nproxies = 1\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    assert str(caught.value) == (
        f"{file}: store.paht: unknown key; allowed are path; "
        "http.proxies: unknown key; allowed are timeout_s, max_bytes, user_agent, proxy, ca_file"
    )
    assert caught.value.origin == str(file)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("cron", ["0 0 1 1 *", "0 0 29 2 *"])
def test_schedule_of_one_slot_a_year_or_less_is_accepted(written, cron):
    assert len(load_settings(written(f"[sources.timesca]\ncron = '{cron}'\n")).planned()) == 1


# A proxy and its credentials


def test_credentials_of_a_proxy_come_from_the_environment(written, monkeypatch):
    monkeypatch.setenv("FXTICKER_HTTP__PROXY", "https://me:hunter2@proxy.test:3128")
    http = load_settings(written("[http]\nproxy = 'http://other.test:8080'\n")).http
    assert http.proxy == "https://me:hunter2@proxy.test:3128"
    assert "hunter2" not in repr(http)


def test_credentials_of_a_proxy_in_the_file_are_refused_even_if_overridden(written, monkeypatch):
    monkeypatch.setenv("FXTICKER_HTTP__PROXY", "http://proxy.test:3128")
    [problem] = problems_of(written("[http]\nproxy = 'http://me:hunter2@proxy.test:3128'\n"))
    assert problem == "http.proxy: must not carry a user or a password in a file: set FXTICKER_HTTP__PROXY"


@pytest.mark.parametrize("proxy", ["http://me:hunter2@[::1", "ftp://me:hunter2@proxy", "me:hunter2@proxy"])
def test_bad_proxy_with_credentials_is_refused_without_them(written, proxy):
    problems = problems_of(written(f"[http]\nproxy = '{proxy}'\n"))
    assert len(problems) == 2
    assert "hunter2" not in str(problems)


def test_bad_proxy_of_the_environment_is_named_without_its_value(written, monkeypatch):
    monkeypatch.setenv("FXTICKER_HTTP__PROXY", "socks5://me:hunter2@proxy.test:3128")
    [problem] = problems_of(written(""))
    assert problem.endswith("in the environment variable FXTICKER_HTTP__PROXY")
    assert "hunter2" not in problem


@pytest.mark.parametrize("host", ["[v1.a]:3128", "999.1.1.1:3128", "a" * 70_000])
def test_proxy_whose_host_is_none_is_named_without_its_password(written, monkeypatch, host):
    monkeypatch.setenv("FXTICKER_HTTP__PROXY", f"http://me:hunter2@{host}")
    with pytest.raises(ConfigError, match=r"http\.proxy: its host is no name or address") as caught:
        load_settings(written("")).http.fetcher()
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_url_with_bytes_that_are_no_text_is_refused(written, monkeypatch):
    monkeypatch.setenv("FXTICKER_ALERTS__HEARTBEAT_URL", "https://ping.test/\udcff")
    [problem] = problems_of(written(""))
    assert problem.startswith("alerts.heartbeat_url: must be an http or https URL")


def test_client_uses_proxy_and_authorities(written):
    http = load_settings(written("[http]\nproxy = 'http://127.0.0.1:9'\nca_file = 'none.pem'\n")).http
    with pytest.raises(ConfigError, match=r"none\.pem: http\.ca_file: No such file"):
        http.fetcher()


def test_relative_file_of_authorities_is_in_the_folder_of_the_configuration(written):
    file = written("[http]\nca_file = 'own.pem'\n")
    assert load_settings(file).http.ca_file == file.parent / "own.pem"


# Byte-order marks

TEXT = "[http]\r\ntimeout_s = 3\r\n"


def test_byte_order_mark_of_utf_8_is_taken(tmp_path):
    file = tmp_path / "config.toml"
    file.write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    assert load_settings(file).http.timeout_s == 3


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_byte_order_mark_of_another_encoding_is_named(tmp_path, encoding):
    file = tmp_path / "config.toml"
    file.write_bytes(f"\ufeff{TEXT}".encode(encoding))
    assert re.fullmatch(r"is UTF-(16|32) by its byte-order mark \(BOM\): save it as UTF-8", *problems_of(file))


def test_several_byte_order_marks_are_named(tmp_path):
    file = tmp_path / "config.toml"
    file.write_bytes(2 * b"\xef\xbb\xbf" + TEXT.encode())
    assert problems_of(file) == ["begins with several byte-order marks (BOM): save it with one, or without"]


def test_unknown_source_is_named_beside_other_problems(written):
    found = problems_of(written('[http]\ntimeout_s = "x"\n[sources.nope]\n'))
    assert [problem.partition(":")[0] for problem in found] == ["http.timeout_s", "sources"]


@pytest.mark.parametrize("text", ['[sources]\ntimesca = "https://u:hunter2@h/"\n', 'alerts = "page --token hunter2"\n'])
def test_value_in_place_of_a_table_is_not_repeated(written, text):
    [found] = problems_of(written(text))
    assert found.endswith("must be a table")


def test_variable_below_a_value_is_a_problem(written, monkeypatch):
    monkeypatch.setenv("FXTICKER_HTTP__TIMEOUT_S__X", "5")
    assert problems_of(written("[http]\ntimeout_s = 7\n")) == [
        "environment variable FXTICKER_HTTP__TIMEOUT_S__X: http.timeout_s is no table"
    ]


# A store on object storage


def test_url_of_an_object_storage_is_kept_as_it_is(written, monkeypatch):
    assert load_settings(written('[store]\npath = "s3://rates/kyrgyz/"')).store.path == "s3://rates/kyrgyz"

    monkeypatch.setenv("FXTICKER_STORE__PATH", "s3://rates")
    assert load_settings(written("")).store.path == "s3://rates"


@pytest.mark.parametrize("url", ["s3:/rates", "s3://", "s3://key:secret@rates/kyrgyz", "s3://rates/a b"])
def test_url_that_names_no_bucket_is_a_problem_of_its_key(written, url):
    with pytest.raises(ConfigError, match=r"store\.path: must be") as raised:
        load_settings(written(f'[store]\npath = "{url}"'))
    assert "secret" not in str(raised.value)
