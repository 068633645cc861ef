"""Commands for running as a service."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fxticker.cli.options import config_option, settings, store_option
from fxticker.errors import ConfigError

if TYPE_CHECKING:
    from fxticker.store.location import Location


@click.group()
def service() -> None:
    """Run as a service of systemd."""


@service.command()
@click.option("--user", is_flag=True, help="Install a user service, without root.")
@config_option
@store_option
def install(user: bool, config: Path | None, store: Location | None) -> None:  # noqa: FBT001
    """Write a systemd unit for the daemon, and print the next steps.

    Nothing is started. An existing unit with other content is kept, with exit code 1.
    """
    from fxticker.daemon.systemd_unit import unit_folder

    if not user and os.geteuid() != 0:
        raise PermissionError("a service of the system is for root to install: run this with sudo, or add --user")
    install_unit(unit_folder(os.environ, is_user=user), config or Path("config.toml"), store, is_user=user)


def install_unit(folder: Path, config: Path, store: Location | None, *, is_user: bool) -> None:
    """Write the unit into `folder` and print what to do next."""
    from fxticker.config import ENV_PREFIX, sources_to_poll
    from fxticker.daemon.systemd_unit import next_steps, require_data_folder, require_visible, unit_text, write_unit

    config = config.parent.resolve() / config.name  # a link stays one: it may be meant to change
    ours = sorted(name for name in os.environ if name.upper().startswith(ENV_PREFIX))
    if ours:
        problem = "does not reach the service: set it in the file (a proxy: in a drop-in), and unset it here"
        raise ConfigError(str(config), [f"environment variable {name}: {problem}" for name in ours])
    whole = settings(config)
    configured = whole.store.path
    sources_to_poll(whole, config)
    if isinstance(store, str) or isinstance(configured, str):
        problem = "store.path: a unit for object storage needs credentials: write it as docs/object-storage.md shows"
        raise ConfigError(str(config), [problem])
    if store is None and not configured.is_absolute():  # as seen from here; the service runs elsewhere
        raise ConfigError(str(config), ["store.path: names no folder; set it, or give --store"])
    written = (store or configured).resolve()
    command: list[str | Path] = [sys.executable, "-P", "-m", "fxticker", "run", "--config", config]
    if store is not None:
        command += ["--store", written]
    if not is_user:
        require_visible([Path(sys.executable), Path(__file__), config, written])
        require_data_folder(written)
    text = unit_text(command, written, is_user=is_user)
    try:
        file = write_unit(folder, text)
    except FileExistsError:
        print(text, end="")
        raise
    print(f"{file} is written. Next{'' if is_user else ', as root'}:")
    for step in next_steps(written, is_user=is_user):
        print(f"    {step}")
