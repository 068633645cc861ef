"""Command line: one thin command per function of the package, each in a module that is imported when it is used."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module

import click

import fxticker
from fxticker.cli.commands import COMMANDS
from fxticker.daemon.exit import INTERRUPTED, exit_on_error, raise_interrupts


class _Commands(click.Group):
    """The commands of `COMMANDS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return [name for group in COMMANDS.values() for name in group]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        for group in COMMANDS.values():
            if cmd_name in group:
                module, _, name = group[cmd_name][0].partition(".")
                command: click.Command = getattr(import_module(f"fxticker.cli.{module}"), name)
                return command
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, self.list_commands(ctx)))
        for title, group in COMMANDS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:<{width}}", summary) for name, (_, summary) in group.items()])


def _print_version(context: click.Context, _option: object, is_asked: bool) -> None:  # noqa: FBT001
    if is_asked:
        print(f"fxticker {fxticker.__version__}")
        context.exit()


@click.command(
    cls=_Commands,
    context_settings={"show_default": True},
    epilog="Times are UTC, or of --tz. Exit codes: 0 success, 1 failure, 2 usage, 130 interrupted (`run` ends with 0).",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version and exit.",
)
def app() -> None:
    """Record the Central Asian FX ticker: every poll and every printed number."""


def main() -> None:
    """Run the command line and exit with its code."""
    if "_FXTICKER_COMPLETE" in os.environ:
        app.main(prog_name="fxticker")  # the shell asks for completions
    exit_on_error(_run)


def _run() -> None:
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        raise_interrupts()
    try:
        with app.make_context("fxticker", sys.argv[1:]) as context:
            app.invoke(context)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(INTERRUPTED)
