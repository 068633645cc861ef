"""The unit that `fxticker service install` writes: what stands in it, what is refused, what systemd thinks of it."""

import json
import os
import re
import shutil
import sys
from pathlib import Path
from subprocess import run

import pytest
from builders import cases
from click.testing import CliRunner

from fxticker.cli import app
from fxticker.cli.service import install_unit
from fxticker.daemon.systemd_unit import next_steps, quoted, require_visible, unit_folder, unit_text, write_unit

CASES = cases("systemd_unit")
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")
COMMAND = [sys.executable, "-P", "-m", "fxticker", "run", "--config", "/etc/fxticker/config.toml"]
STORE = Path("/var/lib/fxticker/parquet")
CONTRIB = Path(__file__).parents[1] / "contrib" / "systemd"
OBJECT_STORAGE = (Path(__file__).parent.parent / "docs" / "object-storage.md").read_text("utf-8")
DOCS = (Path(__file__).parent.parent / "docs" / "running.md").read_text("utf-8")


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('[store]\npath = "rates"\n')
    return path


@pytest.fixture
def analyze(tmp_path):
    runtime = tmp_path / "runtime"  # without it a user's systemd-analyze does not start
    runtime.mkdir()

    def call(*arguments):
        return run(
            [ANALYZE, *map(str, arguments)],
            env={"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(runtime), "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return call


def lines(text, name):
    return re.findall(rf"^{name}=(.*)$", text, re.MULTILINE)


@needs_systemd
@pytest.mark.parametrize(("is_user", "manager"), [(False, "--system"), (True, "--user")])
def test_systemd_accepts_the_unit(is_user, manager, tmp_path, analyze):
    unit = write_unit(tmp_path, unit_text(COMMAND, STORE, is_user=is_user))
    shown = analyze("verify", manager, "--man=no", unit)
    assert shown.returncode == 0
    assert "fxticker" not in shown.stdout + shown.stderr  # other units of the machine may have their faults


@needs_systemd
def test_systemd_accepts_the_example_that_tells_of_a_unit_that_cannot_be_kept_running(tmp_path, analyze):
    write_unit(tmp_path, unit_text(COMMAND, STORE, is_user=False))
    (tmp_path / "fxticker.service.d").mkdir()
    shutil.copy(CONTRIB / "failed.conf", tmp_path / "fxticker.service.d")
    text = (CONTRIB / "fxticker-failed.service").read_text("utf-8")
    programs = {program: shutil.which("true") for program in re.findall(r"^Exec\w+=\+?(\S+)", text, re.MULTILINE)}
    for program, stand_in in programs.items():
        text = text.replace(program, stand_in)
    (tmp_path / "fxticker-failed.service").write_text(text)
    for unit in ("fxticker.service", "fxticker-failed.service"):
        shown = analyze("verify", "--system", "--man=no", tmp_path / unit)
        assert (shown.returncode, "fxticker" in shown.stdout + shown.stderr) == (0, False)
    assert set(programs) == {"/usr/local/bin/fxticker-alert", "/usr/bin/systemctl"}


def test_example_gives_the_command_what_the_recipes_read():
    text = (CONTRIB / "fxticker-failed.service").read_text("utf-8")
    alert = json.loads(lines(text, "StandardInputText")[0])
    assert {"event", "source", "reason"} <= set(alert)


@needs_systemd
@pytest.mark.parametrize(("is_user", "exposure"), [(False, 1.3), (True, 4.8)])
def test_systemd_scores_the_unit_as_ok(is_user, exposure, tmp_path, analyze):
    unit = write_unit(tmp_path, unit_text(COMMAND, STORE, is_user=is_user))
    shown = analyze("security", "--offline=true", "--no-pager", unit)
    [(score, verdict)] = re.findall(r"exposure level for fxticker.service: ([0-9.]+) (\w+)", shown.stdout)
    assert verdict == "OK"
    assert float(score) <= exposure


@needs_systemd
def test_systemd_reads_odd_paths_unchanged(tmp_path, analyze):
    program = tmp_path / "a b %h $HOME ${HOME} ; ü"
    program.symlink_to(sys.executable)
    odd = tmp_path / """a b "c" 'd' %h $HOME \\n ; ü"""
    unit = write_unit(tmp_path, unit_text([program, odd], odd, is_user=False))
    shown = analyze("verify", "--man=no", unit)
    assert shown.returncode == 0
    assert "fxticker" not in shown.stdout + shown.stderr
    program.unlink()
    assert f"Command {program} is not executable" in analyze("verify", "--man=no", unit).stderr


@pytest.mark.parametrize("program", ["/opt/a'b/python", '/opt/a"b/python', "/opt/a\\b/python"])
def test_program_that_systemd_would_not_run_is_refused(program):
    with pytest.raises(ValueError, match="quote or a backslash"):
        unit_text([program], STORE, is_user=False)


def test_unit_names_the_command_and_the_one_folder_it_may_write_to():
    text = unit_text(["/opt/fx/bin/python", "-m", "fxticker", "run"], Path("/srv/the rates"), is_user=False)
    assert lines(text, "ExecStart") == ['":/opt/fx/bin/python" "-m" "fxticker" "run"']
    assert lines(text, "ReadWritePaths") == ['"-/srv/the rates"']
    assert lines(text, "RequiresMountsFor") == ['"/srv/the rates"']
    assert lines(text, "User") == ["fxticker"]


@pytest.mark.parametrize("is_user", [False, True])
def test_service_has_watchdog_unlimited_restarts_and_time_to_stop(is_user):
    text = unit_text(COMMAND, STORE, is_user=is_user)
    settings = {name: lines(text, name) for name in CASES["settings"]}
    assert settings == {name: [setting] for name, setting in CASES["settings"].items()}


@pytest.mark.parametrize(("text", "word"), CASES["words_of_a_unit_are_escaped"])
def test_words_of_a_unit_are_escaped(text, word):
    assert quoted(text) == word


@pytest.mark.parametrize("path", ["/a\nExecStartPre=/bin/evil", "/a\tb", "/a\x1bb", "/a\udcffb"])
def test_path_that_a_unit_cannot_hold_is_refused(path):
    with pytest.raises(ValueError, match="printable"):
        unit_text(COMMAND, Path(path), is_user=False)


@pytest.mark.parametrize("path", ["/home/me/config.toml", "/root/fx/bin/python", "/tmp/parquet", "/run/user/0/parquet"])
def test_path_hidden_from_the_service_is_refused_by_name(path):
    with pytest.raises(ValueError, match=re.escape(path)):
        require_visible([Path("/etc/fxticker/config.toml"), Path(path)])


def test_links_into_and_out_of_a_hidden_folder_are_refused(tmp_path, monkeypatch):
    hidden = tmp_path / "hidden"
    monkeypatch.setattr("fxticker.daemon.systemd_unit._HIDDEN", (str(hidden),))
    hidden.mkdir()
    (hidden / "out").symlink_to("/usr/bin/env")
    (tmp_path / "into").symlink_to(hidden / "python")
    require_visible([tmp_path / "python"])
    for path in (hidden / "out", tmp_path / "into"):
        with pytest.raises(ValueError, match=str(path)):
            require_visible([path])


def test_units_go_where_systemd_looks():
    assert unit_folder({}, is_user=False) == Path("/etc/systemd/system")
    assert unit_folder({"XDG_CONFIG_HOME": "/cfg"}, is_user=True) == Path("/cfg/systemd/user")
    own = Path.home() / ".config" / "systemd" / "user"
    assert unit_folder({}, is_user=True) == own
    assert unit_folder({"XDG_CONFIG_HOME": "relative"}, is_user=True) == own


def test_unit_is_written_once_and_readable_by_all(tmp_path):
    assert write_unit(tmp_path / "user", "text") == tmp_path / "user" / "fxticker.service"
    assert write_unit(tmp_path / "user", "text").read_text() == "text"
    assert (tmp_path / "user" / "fxticker.service").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("content", [b"another", b"", b"\xff"])
def test_different_unit_is_not_overwritten(content, tmp_path):
    (tmp_path / "fxticker.service").write_bytes(content)
    with pytest.raises(FileExistsError, match=r"diff .*/fxticker\.service"):
        write_unit(tmp_path, "text")
    assert (tmp_path / "fxticker.service").read_bytes() == content


def test_store_elsewhere_is_created_for_the_account(tmp_path):
    steps = next_steps(tmp_path / "the rates", is_user=False)
    assert f"install -d -o fxticker -g fxticker '{tmp_path}/the rates'" in steps
    assert f"chown -R fxticker: {tmp_path}" in next_steps(tmp_path, is_user=False)


def test_store_in_the_state_directory_needs_no_preparation():
    steps = [step for step in next_steps(Path("/var/lib/fxticker/none"), is_user=False) if "useradd" not in step]
    assert steps[:2] == ["systemctl daemon-reload", "systemctl enable --now fxticker"]


@pytest.fixture
def fxticker(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    return lambda *arguments: CliRunner().invoke(app, list(map(str, arguments)))


def test_user_service_is_installed_and_prints_the_next_commands(fxticker, config, tmp_path):
    shown = fxticker("service", "install", "--user", "--config", config)
    assert shown.exit_code == 0
    assert shown.stdout.splitlines() == [
        f"{tmp_path}/xdg/systemd/user/fxticker.service is written. Next:",
        f"    mkdir -p {tmp_path}/rates",
        "    systemctl --user daemon-reload",
        "    systemctl --user enable --now fxticker",
        "    loginctl enable-linger",
        "    systemctl --user status fxticker",
        "    journalctl --user -u fxticker",
    ]
    unit = (tmp_path / "xdg" / "systemd" / "user" / "fxticker.service").read_text()
    assert lines(unit, "ExecStart") == [f'":{sys.executable}" "-P" "-m" "fxticker" "run" "--config" "{config}"']
    assert lines(unit, "ReadWritePaths") == [f'"-{tmp_path}/rates"']


def test_store_of_the_command_line_goes_into_the_unit(fxticker, config, tmp_path):
    assert fxticker("service", "install", "--user", "--config", config, "--store", tmp_path / "s").exit_code == 0
    unit = (tmp_path / "xdg" / "systemd" / "user" / "fxticker.service").read_text()
    assert lines(unit, "ExecStart")[0].endswith(f'"--store" "{tmp_path}/s"')
    assert lines(unit, "ReadWritePaths") == [f'"-{tmp_path}/s"']


def test_unit_is_printed_if_a_different_one_exists(fxticker, config, tmp_path):
    folder = tmp_path / "xdg" / "systemd" / "user"
    folder.mkdir(parents=True)
    (folder / "fxticker.service").write_text("mine")
    shown = fxticker("service", "install", "--user", "--config", config)
    assert isinstance(shown.exception, FileExistsError)
    assert shown.stdout.startswith("# Written by")
    assert (folder / "fxticker.service").read_text() == "mine"


def test_bad_configuration_is_refused_before_anything_is_written(fxticker, config, tmp_path):
    config.write_text("[http]\ntimeout = 10\n")
    shown = fxticker("service", "install", "--user", "--config", config, "--store", tmp_path)
    assert "http.timeout: unknown key" in str(shown.exception)
    assert not (tmp_path / "xdg").exists()


def test_store_relative_to_the_working_directory_is_refused(fxticker, config, tmp_path):
    config.write_text("")
    shown = fxticker("service", "install", "--user", "--config", config)
    assert "store.path: names no folder" in str(shown.exception)
    assert not (tmp_path / "xdg").exists()


def test_system_service_needs_root(fxticker, config, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    shown = fxticker("service", "install", "--config", config)
    assert isinstance(shown.exception, PermissionError)
    assert "sudo" in str(shown.exception)
    assert "--user" in str(shown.exception)


def test_system_service_is_written_and_prints_the_next_commands(config, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("fxticker.daemon.systemd_unit._HIDDEN", ())
    install_unit(tmp_path / "units", config, None, is_user=False)
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == f"{tmp_path}/units/fxticker.service is written. Next, as root:"
    assert f"    install -d -o fxticker -g fxticker {tmp_path}/rates" in shown
    assert shown[-1] == "    journalctl -u fxticker"
    unit = (tmp_path / "units" / "fxticker.service").read_text()
    assert lines(unit, "ExecStart") == [f'":{sys.executable}" "-P" "-m" "fxticker" "run" "--config" "{config}"']
    assert lines(unit, "ReadWritePaths") == [f'"-{tmp_path}/rates"']


def test_system_service_that_could_not_run_is_not_written(config, tmp_path, monkeypatch):
    monkeypatch.setattr("fxticker.daemon.systemd_unit._HIDDEN", (str(tmp_path),))
    with pytest.raises(ValueError, match=str(config)):
        install_unit(tmp_path / "units", config, None, is_user=False)
    assert not (tmp_path / "units").exists()


def test_unedited_store_beside_the_configuration_of_the_system_is_refused(config, tmp_path, monkeypatch):
    monkeypatch.setattr("fxticker.daemon.systemd_unit._HIDDEN", ())
    monkeypatch.setattr("fxticker.daemon.systemd_unit._CONFIGURATIONS", config.parent)
    config.write_text('[store]\npath = "parquet"\n')
    with pytest.raises(ValueError, match=r"set store\.path, such as to /var/lib/fxticker/parquet"):
        install_unit(tmp_path / "units", config, None, is_user=False)
    assert not (tmp_path / "units").exists()


def test_documentation_states_the_settings_of_the_unit():
    unit = unit_text(COMMAND, STORE, is_user=False).splitlines()
    settings = re.findall(r"\(`(\w+=[^`]+)`\)", DOCS)
    assert len(settings) == 11
    assert set(settings) - set(unit) == set()


# the unit for object storage


@pytest.fixture
def unit_of_page():
    (text,) = re.findall(r"^```ini\n(.*?)^```", OBJECT_STORAGE, re.MULTILINE | re.DOTALL)
    return text


def settings_of(text):
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_unit_for_object_storage_is_that_of_a_folder_without_the_folder_and_with_credentials(unit_of_page):
    command = ["/opt/fxticker/bin/python", *COMMAND[1:]]
    expected = settings_of(unit_text(command, STORE, is_user=False))
    expected.remove(f'RequiresMountsFor="{STORE}"')
    expected.remove(f'ReadWritePaths="-{STORE}"')
    expected.insert(expected.index("User=fxticker") + 1, "EnvironmentFile=/etc/fxticker/s3.env")
    (at,) = (at for at, line in enumerate(expected) if line.startswith("ExecStart="))
    expected[at] = f"ExecStart={' '.join(command)}"

    assert settings_of(unit_of_page) == expected


@needs_systemd
def test_systemd_accepts_the_unit_for_object_storage(unit_of_page, tmp_path, analyze):
    unit = tmp_path / "fxticker.service"
    unit.write_text(unit_of_page.replace("/opt/fxticker/bin/python", sys.executable))

    shown = analyze("verify", "--system", "--man=no", unit)

    assert shown.returncode == 0
    assert "fxticker" not in shown.stdout + shown.stderr  # as above
