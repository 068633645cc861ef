"""Service: whether systemd runs here, and what it knows of fxticker's unit."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from shutil import which

from fxticker.daemon.systemd_unit import UNIT, unit_folder
from fxticker.doctor.fact import Fact

BOOTED = Path("/run/systemd/system")
"""Is there where systemd runs: sd_booted(3)."""
_ASK_S = 10.0
"""Seconds that systemctl may take."""
_PROPERTIES = ("LoadState", "ActiveState", "SubState", "UnitFileState", "Result", "NRestarts")


def service_fact(environ: Mapping[str, str], *, booted: Path = BOOTED) -> Fact:
    """Return the state of the unit that `fxticker service install` writes: the system's, or else the user's."""
    units = [(unit_folder(environ, is_user=is_user) / UNIT, is_user) for is_user in (False, True)]
    there = [(unit, is_user) for unit, is_user in units if unit.exists()]
    if not booted.is_dir():
        left = f"; {there[0][0]} is there" if there else ""
        return Fact("systemd", "note", f"does not run here{left}")
    if not there:
        return Fact("systemd", "note", f"runs, without a unit {UNIT}: `fxticker service install` writes one")
    unit, is_user = there[0]
    found = _shown(is_user=is_user)
    if found is None:
        return Fact("systemd", "note", f"{unit} is there; systemctl does not answer")
    text = f"{unit}: " + ", ".join(f"{name} {found[name]}" for name in _PROPERTIES if name in found)
    if found.get("ActiveState") == "failed":
        return Fact("systemd", "fails", f"{text}; the reason is in the journal: journalctl -u fxticker")
    is_running = found.get("ActiveState") == "active" and found.get("UnitFileState") == "enabled"
    return Fact("systemd", "ok" if is_running else "note", text)


def _shown(*, is_user: bool) -> dict[str, str] | None:
    systemctl = which("systemctl")
    if systemctl is None:
        return None
    command = [systemctl, *(["--user"] if is_user else []), "show", UNIT, f"--property={','.join(_PROPERTIES)}"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_ASK_S, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    return dict(line.split("=", 1) for line in answer.stdout.splitlines() if "=" in line)
