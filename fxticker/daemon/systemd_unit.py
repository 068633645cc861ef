"""Systemd unit: text and place of the unit that runs the daemon as a service, and the commands that start it."""

from __future__ import annotations

import os
import pwd
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from fxticker.files import replaced
from fxticker.model.invalid import InvalidArgument

UNIT = "fxticker.service"
ACCOUNT = "fxticker"
"""Account that the system's service runs as."""
STATE = Path("/var/lib/fxticker")
"""Folder that `StateDirectory=` creates for that account."""
_CONFIGURATIONS = Path("/etc")
_HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108  named to be refused
"""Folders that `ProtectHome=` and `PrivateTmp=` hide from the system's service."""


def unit_text(command: Sequence[str | Path], store: Path, *, is_user: bool) -> str:
    """Returns the text of the unit that runs a command.

    Parameters
    ----------
    command
        Absolute path of a program, and its arguments.
    store
        Absolute path of the only folder that the command may write to.
    is_user
        Whether it is for a user's systemd instead of the system's.

    Raises
    ------
    ValueError
        If systemd cannot run a program of that path, or a path is not printable.
    """
    template = Path(__file__).with_name("user.service" if is_user else "system.service").read_text("utf-8")
    if set(str(command[0])) & set("\"'\\"):
        raise InvalidArgument(f"{command[0]}: systemd runs no program with a quote or a backslash in its path")
    # a colon: no dollar sign stands for a variable; a minus: the folder may not be there yet
    words = [quoted(f":{command[0]}"), *(quoted(str(word)) for word in command[1:])]
    return template.format(command=" ".join(words), store=quoted(str(store)), writable=quoted(f"-{store}"))


def quoted(text: str) -> str:
    """Returns a text as one word of a unit (systemd.syntax(7), and systemd.unit(5) on specifiers).

    Raises
    ------
    ValueError
        If it has line breaks or other characters that are not printable.
    """
    if not text.isprintable():
        raise InvalidArgument(f"{text!r}: a unit names only paths of printable characters")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def require_visible(paths: Iterable[Path]) -> None:
    """Refuse paths that the system's service cannot see.

    Raises
    ------
    ValueError
        Naming the first such path and what to do.
    """
    for path in paths:
        # a link out of a hidden folder is hidden as well as one into it
        for place in (path.parent.resolve(), path.resolve()):
            for folder in _HIDDEN:
                if place.is_relative_to(Path(folder).resolve()):
                    raise InvalidArgument(
                        f"{path}: the system's service sees nothing in {folder}, where this leads; use --user, or a "
                        f"place such as /opt for the program, /etc for its configuration and {STATE} for the store"
                    )


def require_data_folder(store: Path) -> None:
    """Refuse a store among configurations, where the path of an unedited one, relative to its file, leads.

    Raises
    ------
    ValueError
        Naming the key to set.
    """
    if store.is_relative_to(_CONFIGURATIONS):
        raise InvalidArgument(f"{store}: a store among configurations; set store.path, such as to {STATE}/parquet")


def unit_folder(environ: Mapping[str, str], *, is_user: bool) -> Path:
    """Folder of the units that an administrator, or a user, adds."""
    if not is_user:
        return Path("/etc/systemd/system")
    configured = Path(environ.get("XDG_CONFIG_HOME", ""))
    return (configured if configured.is_absolute() else Path.home() / ".config") / "systemd" / "user"


def write_unit(folder: Path, text: str) -> Path:
    """Write the unit whole if it does not exist, and return its path.

    Raises
    ------
    FileExistsError
        If a different one exists, which is not overwritten.
    """
    file = folder / UNIT
    folder.mkdir(parents=True, exist_ok=True)
    if not os.path.lexists(file):
        with replaced(file) as unit:
            unit.write(text.encode())
            os.fchmod(unit.fileno(), 0o644)
    elif file.read_bytes() != text.encode():
        raise FileExistsError(
            f"{file} is there and differs, so it stays; what it would be is on standard output: compare with "
            f"`| diff {shlex.quote(str(file))} -`, or move the file away to have the new one"
        )
    return file


def next_steps(store: Path, *, is_user: bool) -> list[str]:
    """Shell commands that start the service, in order."""
    folder = shlex.quote(str(store))
    if is_user:
        return [
            *([] if store.is_dir() else [f"mkdir -p {folder}"]),
            "systemctl --user daemon-reload",
            "systemctl --user enable --now fxticker",
            "loginctl enable-linger",
            "systemctl --user status fxticker",
            "journalctl --user -u fxticker",
        ]
    account = _account_uid()
    made = [f"useradd --system --user-group --home-dir {STATE} --shell /usr/sbin/nologin {ACCOUNT}"]
    if store.is_dir():
        owned = [f"chown -R {ACCOUNT}: {folder}"] if store.stat().st_uid != account else []
    else:
        owned = [] if store.is_relative_to(STATE) else [f"install -d -o {ACCOUNT} -g {ACCOUNT} {folder}"]
    return [
        *(made if account is None else []),
        *owned,
        "systemctl daemon-reload",
        "systemctl enable --now fxticker",
        "systemctl status fxticker",
        "journalctl -u fxticker",
    ]


def _account_uid() -> int | None:
    try:
        return pwd.getpwnam(ACCOUNT).pw_uid
    except KeyError:
        return None
