"""The command `alert`: tries the alert command."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from fxticker.cli.options import config_option, settings


@click.command()
@click.option("--test", "is_test", is_flag=True, required=True, help="Run the alert command once, with a test.")
@config_option
def alert(config: Path | None, is_test: bool) -> None:  # noqa: FBT001
    """Try the alert command of the configuration.

    It gets an alert whose event is "test". Exit 0 if the command ends with 0; what it prints is shown.
    """
    import shlex

    from fxticker.config import DEFAULT_FILE
    from fxticker.errors import ConfigError, FxTickerError
    from fxticker.monitoring.alert_command import COMMAND_S
    from fxticker.monitoring.alerts import Alert
    from fxticker.monitoring.command_run import run_command

    del is_test
    command = settings(config).alerts.on_alert
    if command is None:
        raise ConfigError(str(config or DEFAULT_FILE), ["alerts.on_alert: is not set, so nobody is told of anything"])
    reason = "this is a test by `fxticker alert --test`: nothing is wrong"
    test = Alert("test", "fxticker", datetime.now(UTC).replace(microsecond=0), reason, None)
    arguments = shlex.split(command)
    end = run_command(arguments, test.encoded(), timeout_s=COMMAND_S)
    text = f"{arguments[0]} {end.described(COMMAND_S)}"
    if not end.is_good:
        raise FxTickerError(text)
    print(text)
