import re
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest

from fxticker.config import Settings, address_of, load_settings
from fxticker.errors import ConfigError
from fxticker.model.schedule import Cron, Every
from fxticker.sources.registry import known_sources, source_of

REPOSITORY = Path(__file__).parents[1]


def problems_of(file):
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    assert caught.value.origin == str(file)
    return caught.value.problems


# What is read


def test_the_repositorys_configuration_states_the_defaults():
    stated, defaults = load_settings(REPOSITORY / "config.toml"), Settings()
    assert stated.http == defaults.http
    assert stated.archives == defaults.archives
    assert stated.planned() == defaults.planned()
    assert stated.store.path == REPOSITORY / "parquet"


def test_the_repositorys_configuration_names_every_key():
    stated = tomllib.loads((REPOSITORY / "config.toml").read_text("utf-8"))
    assert set(stated) == {"store", "http", "monitoring", "alerts", "archives", "sources"}
    assert set(stated["store"]) == {"path"}
    assert set(stated["http"]) == {"timeout_s", "max_bytes", "user_agent"}
    assert set(stated["archives"]) == {"wayback", "commoncrawl_index", "commoncrawl_data"}
    assert set(stated["sources"]["timesca"]) == {"enabled", "url", "every"}
    text = (REPOSITORY / "config.toml").read_text("utf-8")
    assert '# listen = "127.0.0.1:9464"' in text  # what is off by default has a comment only
    assert '# on_alert = "' in text


def test_an_empty_file_means_the_defaults(written):
    settings = load_settings(written(""))
    [planned] = settings.planned()
    assert (settings.http.timeout_s, settings.http.max_bytes) == (20, 5_000_000)
    assert (planned.source.id, planned.source.url) == ("timesca", "https://timesca.com/")
    assert planned.schedule == Every(timedelta(minutes=15), timedelta(minutes=11, seconds=17))


def test_no_file_in_the_working_directory_means_the_defaults(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_settings() == Settings()
    assert load_settings().store.path == Path("parquet")


def test_a_file_in_the_working_directory_is_read(written, monkeypatch):
    monkeypatch.chdir(written("[http]\ntimeout_s = 7\n").parent)
    assert load_settings().http.timeout_s == 7


def test_every_key_can_be_set(written):
    settings = load_settings(
        written("""
            [store]
            path = "/var/lib/fxticker"
            [http]
            timeout_s = 0.5
            max_bytes = 1_000
            user_agent = "me (+mailto:me@example.org)"
            [monitoring]
            listen = "[::1]:9464"
            [alerts]
            on_alert = "page --who 'the admin'"
            [archives]
            wayback = "http://127.0.0.1:1/wayback/"
            commoncrawl_index = "http://127.0.0.1:2/"
            commoncrawl_data = "http://127.0.0.1:3/"
            [sources.timesca]
            enabled = true
            url = "http://127.0.0.1:8000/page"
            cron = "*/5 * * * *"
        """)
    )
    [planned] = settings.planned()
    assert settings.store.path == Path("/var/lib/fxticker")
    assert (settings.http.timeout_s, settings.http.max_bytes) == (0.5, 1000)
    assert settings.http.user_agent == "me (+mailto:me@example.org)"
    assert settings.monitoring.listen == "[::1]:9464"
    assert settings.alerts.on_alert == "page --who 'the admin'"
    assert settings.archives.wayback == "http://127.0.0.1:1/wayback/"
    assert settings.archives.commoncrawl_index == "http://127.0.0.1:2/"
    assert settings.archives.commoncrawl_data == "http://127.0.0.1:3/"
    assert planned.source.url == "http://127.0.0.1:8000/page"
    assert planned.schedule == Cron("*/5 * * * *")


def test_a_source_is_polled_once_its_table_is_there(written):
    planned = load_settings(written("[sources.nbkr]\n[sources.timesca]\n")).planned()
    assert [plan.source.id for plan in planned] == ["nbkr", "timesca"]
    assert planned[0].source == source_of("nbkr")
    assert planned[0].schedule.interval == timedelta(hours=6)


def test_the_repositorys_configuration_documents_every_source(written):
    text = (REPOSITORY / "config.toml").read_text("utf-8")
    plain = re.sub(r"^# (\[sources|url =|every =)", r"\1", text, flags=re.MULTILINE)
    stated = load_settings(written(plain))
    assert set(stated.sources) == set(known_sources())
    for name, chosen in stated.sources.items():
        assert (chosen.url, chosen.every) == (source_of(name).url, source_of(name).every)
    assert set(load_settings(REPOSITORY / "config.toml").sources) == {"timesca"}


def test_a_source_that_is_not_enabled_is_not_planned(written):
    assert load_settings(written("[sources.timesca]\nenabled = false\n")).planned() == []


@pytest.mark.parametrize("path", ["data", "./data", "deep/../data"])
def test_a_relative_store_starts_at_the_files_folder(written, monkeypatch, tmp_path_factory, path):
    file = written(f'[store]\npath = "{path}"\n')
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert load_settings(file).store.path.resolve() == file.parent / "data"


# The environment


def test_the_environment_goes_before_the_file(written, monkeypatch):
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


def test_the_environment_does_not_hide_that_a_table_is_none(written, monkeypatch):
    monkeypatch.setenv("FXTICKER_HTTP__TIMEOUT_S", "3.5")
    monkeypatch.setenv("FXTICKER_SOURCES__TIMESCA__EVERY", "5min")
    found = problems_of(written("http = 5\n[sources]\ntimesca = 5"))
    assert [problem.partition(":")[0] for problem in found] == ["http", "sources.timesca"]


def test_the_environment_is_enough_without_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FXTICKER_SOURCES__TIMESCA__ENABLED", "false")
    monkeypatch.setenv("FXTICKER_STORE__PATH", "rates")
    settings = load_settings()
    assert settings.planned() == []
    assert settings.store.path == Path("rates")


@pytest.mark.parametrize("name", ["FXTICKER_STROE__PATH", "FXTICKER_FOO", "FXTICKER_STOREPATH", "FXTICKER_"])
def test_an_unknown_variable_is_named_with_what_is_allowed(written, monkeypatch, name):
    monkeypatch.setenv(name, "1")
    assert problems_of(written("")) == [
        (
            f"environment variable {name}: unknown; allowed are FXTICKER_STORE__…, FXTICKER_HTTP__…, "
            "FXTICKER_MONITORING__…, FXTICKER_ALERTS__…, FXTICKER_ARCHIVES__…, FXTICKER_SOURCES__…"
        )
    ]


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("FXTICKER_HTTP__TIMEOUT", "3", "http.timeout: unknown key; allowed are timeout_s, max_bytes, user_agent"),
        ("FXTICKER_STORE__FOLDER", "x", "store.folder: unknown key; allowed are path"),
        ("FXTICKER_SOURCES__TIMESCA__EVERY", "5m", "sources.timesca.every: '5m' is no interval"),
        (
            "FXTICKER_SOURCES__OTHER__EVERY",
            "5min",
            "sources: unknown source other; known are cbr, cbu, fawazahmed0, nbk, nbkr, nbt, timesca",
        ),
        ("FXTICKER_HTTP__TIMEOUT_S", "soon", "http.timeout_s: Input should be a valid number"),
    ],
)
def test_a_bad_variable_is_named_as_its_key(written, monkeypatch, name, value, problem):
    monkeypatch.setenv(name, value)
    [found] = problems_of(written(""))
    assert found.startswith(problem)
    assert found.endswith(f", in the environment variable {name}") or "unknown source" in found


@pytest.mark.parametrize("name", ["FXTICKER_STORE", "FXTICKER_HTTP", "FXTICKER_SOURCES"])
def test_a_variable_that_names_a_table_is_a_named_problem(written, monkeypatch, name):
    monkeypatch.setenv(name, "parquet")
    [found] = problems_of(written(""))
    assert name in found


@pytest.mark.parametrize("text", ['[store]\npath = ""\n'])
def test_an_empty_store_path_is_refused(written, text):
    [found] = problems_of(written(text))
    assert found.startswith("store.path")


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


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("colour = 1", "colour: unknown key; allowed are store, http, monitoring, alerts, archives, sources"),
        ("[stor]", "stor: unknown key; allowed are store, http, monitoring, alerts, archives, sources"),
        ("[store]\npaht = 'x'", "store.paht: unknown key; allowed are path"),
        ("[http]\nproxy = 'x'", "http.proxy: unknown key; allowed are timeout_s, max_bytes, user_agent"),
        (
            "[sources.timesca]\nid = 'x'",
            "sources.timesca.id: unknown key; allowed are enabled, url, every, cron",
        ),
        (
            "[sources.timeska]",
            "sources: unknown source timeska; known are cbr, cbu, fawazahmed0, nbk, nbkr, nbt, timesca",
        ),
        pytest.param(
            "_env_file = 'x'",
            "_env_file: unknown key; allowed are store, http, monitoring, alerts, archives, sources",
        ),
        pytest.param(
            "_secrets_dir = '/'",
            "_secrets_dir: unknown key; allowed are store, http, monitoring, alerts, archives, sources",
        ),
    ],
)
def test_an_unknown_key_is_named_with_those_that_are_allowed(written, text, problem):
    [found] = problems_of(written(text))
    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("store = 5", "store: "),
        ("sources = 5", "sources: "),
        ("[sources]\ntimesca = 5", "sources.timesca: "),
        ("[store]\npath = 5", "store.path: "),
        ("[http]\ntimeout_s = 0", "http.timeout_s: Input should be greater than 0"),
        ("[http]\ntimeout_s = -1", "http.timeout_s: Input should be greater than 0"),
        ("[http]\ntimeout_s = nan", "http.timeout_s: "),
        ("[http]\ntimeout_s = inf", "http.timeout_s: "),
        ("[http]\ntimeout_s = 3601", "http.timeout_s: Input should be less than or equal to 3600"),
        ("[http]\nmax_bytes = 0", "http.max_bytes: Input should be greater than 0"),
        ("[http]\nmax_bytes = 0.5", "http.max_bytes: "),
        ("[http]\nmax_bytes = 1_000_000_001", "http.max_bytes: "),
        ("[http]\nuser_agent = ''", "http.user_agent: "),
        ('[http]\nuser_agent = "a\\r\\nCookie: b"', "http.user_agent: "),
        ("[http]\nuser_agent = 'fxtïcker'", "http.user_agent: "),
        ("[monitoring]\nlisten = 9464", "monitoring.listen: "),
        ("[monitoring]\nport = 9464", "monitoring.port: unknown key; allowed are listen"),
        ("[alerts]\non_alert = ''", "alerts.on_alert: must name a command"),
        ("[alerts]\non_alert = 'page \"me'", "alerts.on_alert: No closing quotation"),
        ("[alerts]\non_alert = \"''\"", "alerts.on_alert: must name a command"),
        ("[alerts]\non_alert = 'KEY=secret page'", "alerts.on_alert: must begin with a program: there is no shell"),
        ("[alerts]\ncommand = 'page'", "alerts.command: unknown key; allowed are on_alert"),
        ("[sources.timesca]\nenabled = 'perhaps'", "sources.timesca.enabled: "),
        ("[sources.timesca]\nevery = '15m'", "sources.timesca.every: '15m' is no interval such as \"15min\""),
        ("[sources.timesca]\nevery = '0s'", "sources.timesca.every: "),
        ("[sources.timesca]\ncron = 'hourly'", "sources.timesca.cron: 'hourly' is no cron expression"),
        ("[sources.timesca]\nurl = ''", "sources.timesca.url: must be an http or https URL with a host"),
        ("[sources.timesca]\nurl = 'timesca.com'", "sources.timesca.url: must be an http or https URL"),
        ("[sources.timesca]\nurl = 'ftp://timesca.com/'", "sources.timesca.url: must be an http or https URL"),
        ("[sources.timesca]\nurl = 'file:///etc/passwd'", "sources.timesca.url: must be an http or https URL"),
        ("[sources.timesca]\nurl = 'https://'", "sources.timesca.url: must be an http or https URL"),
        ("[sources.timesca]\nurl = 'https://[::1/'", "sources.timesca.url: "),
        pytest.param(
            "[sources.timesca]\nurl = 'https://timesca.com:99999/'",
            "sources.timesca.url: ",
        ),
        pytest.param(
            "[sources.timesca]\nurl = 'https://times ca.com/'",
            "sources.timesca.url: ",
        ),
        pytest.param(
            "[sources.timesca]\nevery = '999999d'",
            "sources.timesca.every: ",
        ),
    ],
)
def test_a_bad_value_is_named_by_its_key(written, text, problem):
    [found] = problems_of(written(text))
    assert found.startswith(problem)


@pytest.mark.parametrize("url", ["https://user:hunter2@timesca.com/", "https://user@timesca.com/", "https://:x@h/"])
def test_an_address_with_credentials_is_refused(written, url):
    [found] = problems_of(written(f"[sources.timesca]\nurl = '{url}'\n"))
    assert found.startswith("sources.timesca.url: must not carry a user or a password")


def test_the_refusal_of_credentials_does_not_repeat_them(written):
    [found] = problems_of(written("[sources.timesca]\nurl = 'https://user:hunter2@timesca.com/'\n"))
    assert "hunter2" not in found


@pytest.mark.parametrize(
    ("listen", "address"),
    [("127.0.0.1:9464", ("127.0.0.1", 9464)), ("127.8.8.8:1", ("127.8.8.8", 1)), ("[::1]:65535", ("::1", 65535))],
)
def test_metrics_are_served_on_a_loopback_address(written, listen, address):
    settings = load_settings(written(f"[monitoring]\nlisten = '{listen}'\n"))
    assert address_of(settings.monitoring.listen) == address


@pytest.mark.parametrize(
    "listen",
    [
        "",
        "9464",
        ":9464",
        "0.0.0.0:9464",
        "192.168.1.2:9464",
        "localhost:9464",
        "127.0.0.1",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.1:9464",
        "127.0.0.999:9464",
        "[::]:9464",
        "[::1%lo]:9464",
        "::1:9464",
        "[127.0.0.1]:9464",
        "127.0.0.1:9464 ",
    ],
)
def test_metrics_are_served_nowhere_else(written, listen):
    [found] = problems_of(written(f"[monitoring]\nlisten = '{listen}'\n"))
    assert found.startswith('monitoring.listen: must be a loopback address with a port, "127.0.0.1:9464"')


def test_monitoring_and_alerts_are_off_by_default(written):
    settings = load_settings(written(""))
    assert (settings.monitoring.listen, settings.alerts.on_alert) == (None, None)


def test_the_environment_sets_monitoring_and_alerts(written, monkeypatch):
    monkeypatch.setenv("FXTICKER_MONITORING__LISTEN", "127.0.0.1:9464")
    monkeypatch.setenv("FXTICKER_ALERTS__ON_ALERT", "page me")
    settings = load_settings(written(""))
    assert (settings.monitoring.listen, settings.alerts.on_alert) == ("127.0.0.1:9464", "page me")


def test_the_refusal_of_a_command_does_not_repeat_it(written):
    [found] = problems_of(written("[alerts]\non_alert = 'page --key hunter2 \"'\n"))
    assert "hunter2" not in found


def test_a_source_has_one_cadence(written):
    [found] = problems_of(written("[sources.timesca]\nevery = '15min'\ncron = '*/15 * * * *'\n"))
    assert found.startswith("sources.timesca: give either every or cron, not both")


@pytest.mark.parametrize(
    ("timeout_s", "cadence", "interval_s"),
    [
        (900, "", 900),
        (901, "every = '15min'", 900),
        (1, "every = '1s'", 1),
        (60, "cron = '* * * * *'", 60),
        pytest.param(
            60,
            "cron = '0,1 * * * *'",
            60,
        ),
    ],
)
def test_a_request_must_end_before_the_next_slot(written, timeout_s, cadence, interval_s):
    text = f"[http]\ntimeout_s = {timeout_s}\n[sources.timesca]\n{cadence}\n"
    assert problems_of(written(text)) == [
        f"http.timeout_s: {timeout_s} s is not shorter than the interval of timesca, {interval_s} s"
    ]


def test_a_request_just_shorter_than_the_interval_is_allowed(written):
    assert load_settings(written("[http]\ntimeout_s = 899.9\n")).http.timeout_s == 899.9


def test_a_source_that_is_not_polled_bounds_no_request(written):
    assert load_settings(written("[http]\ntimeout_s = 900\n[sources.timesca]\nenabled = false\n")).planned() == []


@pytest.mark.parametrize("data", [b"a =", b"[store\n", b'a = "\xff"', b"[http]\ntimeout_s = 1\ntimeout_s = 2\n"])
def test_broken_toml_is_named(tmp_path, data):
    file = tmp_path / "config.toml"
    file.write_bytes(data)
    [found] = problems_of(file)
    assert found.startswith("no valid TOML: ")


def test_a_missing_file_is_named(tmp_path):
    assert problems_of(tmp_path / "none.toml") == ["No such file or directory"]


def test_a_folder_is_no_configuration(tmp_path):
    assert problems_of(tmp_path) == ["Is a directory"]


def test_the_message_names_the_file_and_every_problem(written):
    file = written("[store]\npaht = 1\n[http]\nproxy = 1\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    assert str(caught.value) == (
        f"{file}: store.paht: unknown key; allowed are path; "
        "http.proxy: unknown key; allowed are timeout_s, max_bytes, user_agent"
    )
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("cron", ["0 0 1 1 *", "0 0 29 2 *"])
def test_a_grid_of_one_slot_a_year_or_less_is_a_grid(written, cron):
    assert len(load_settings(written(f"[sources.timesca]\ncron = '{cron}'\n")).planned()) == 1


# The archives


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://web.archive.org", "archives.wayback: must end with /"),
        ("https://web.archive.org/web?a=/", "archives.wayback: must end with /"),
        ("ftp://web.archive.org/", "archives.wayback: must be an http or https URL"),
        ("https://me:secret@web.archive.org/", "archives.wayback: must not carry a user or a password"),
        ("web.archive.org/", "archives.wayback: must be an http or https URL"),
        ("", "archives.wayback: must be an http or https URL"),
    ],
)
def test_an_archive_is_the_root_of_a_site(written, url, problem):
    [found] = problems_of(written(f"[archives]\nwayback = '{url}'\n"))
    assert found.startswith(problem)
    assert "secret" not in found


def test_the_environment_may_name_an_archive(written, monkeypatch):
    monkeypatch.setenv("FXTICKER_ARCHIVES__WAYBACK", "http://127.0.0.1:8000/")
    assert load_settings(written("")).archives.wayback == "http://127.0.0.1:8000/"
