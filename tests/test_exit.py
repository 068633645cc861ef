"""A known failure ends a command with one line and exit code 1; a fault of the program keeps its traceback."""

import sys

import pytest

from fxticker.daemon.exit import exit_on_error
from fxticker.errors import ConfigError, NoData, SegmentUnreadable, WriteFailed
from fxticker.model.invalid import InvalidArgument


def failing(error):
    def run():
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (NoData("nothing stored\nmatches"), ["nothing stored matches"]),
        (ConfigError("config.toml", ["a: no", "b: no"]), ["config.toml: a: no", "config.toml: b: no"]),
        (SegmentUnreadable("ticks/x", "cut short"), [str(SegmentUnreadable("ticks/x", "cut short"))]),
        (WriteFailed("store", "x", OSError(28, "full")), ["store/x: full (nothing of this write is acknowledged)"]),
        (NoData("a" * 980 + " what to do"), ["a" * 980 + " what to do"]),
        (NoData("a" * 2000), ["a" * 999 + "…"]),
        (PermissionError(13, "Permission denied", "x"), ["x: Permission denied"]),
        (ConnectionResetError(104, "reset by peer"), ["[Errno 104] reset by peer"]),
    ],
)
def test_known_failure_is_a_line_and_exit_code_1(capsys, error, lines):
    with pytest.raises(SystemExit) as ended:
        exit_on_error(failing(error))
    assert ended.value.code == 1
    assert capsys.readouterr().err == "".join(f"fxticker: {line}\n" for line in lines)


def test_meaningless_argument_is_a_line_and_exit_code_2(capsys):
    with pytest.raises(SystemExit) as ended:
        exit_on_error(failing(InvalidArgument("'KZT' is no pair")))
    assert ended.value.code == 2
    assert capsys.readouterr().err == "fxticker: 'KZT' is no pair\n"


@pytest.mark.parametrize(
    "error",
    [
        ValueError("operands could not be broadcast together"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
        KeyError("month"),
        RuntimeError("a thread was ended"),
    ],
)
def test_fault_of_the_program_is_raised_with_its_traceback(capsys, error):
    with pytest.raises(type(error)) as raised:
        exit_on_error(failing(error))
    assert raised.value is error
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("module", "package", "install"),
    [
        ("pandas", "pandas", "fxticker"),
        ("matplotlib.axes", "matplotlib", "fxticker"),
        ("prometheus_client", "prometheus-client", "fxticker"),
        ("duckdb.functional", "duckdb", "'fxticker[readers]'"),
    ],
)
def test_package_that_is_not_installed_is_named_with_what_installs_it(capsys, monkeypatch, module, package, install):
    monkeypatch.setitem(sys.modules, module.partition(".")[0], None)  # as if it were not there
    with pytest.raises(SystemExit) as ended:
        exit_on_error(failing(ModuleNotFoundError(f"No module named {module!r}", name=module)))
    assert ended.value.code == 1
    assert capsys.readouterr().err == (
        f"fxticker: this command needs {package}, which is not installed: pip install {install}\n"
    )


@pytest.mark.parametrize("module", ["nonsense", "fxticker.nonsense", "pandas.nonsense"])
def test_module_that_no_requirement_has_is_a_fault_of_the_program(module):
    with pytest.raises(ModuleNotFoundError):
        exit_on_error(failing(ModuleNotFoundError(f"No module named {module!r}", name=module)))
