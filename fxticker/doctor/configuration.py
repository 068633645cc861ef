"""Configuration: whether it is valid, and what of it matters to a reader who does not have the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fxticker.config import DEFAULT_FILE, ENV_PREFIX, Settings, load_settings
from fxticker.doctor.fact import Fact
from fxticker.errors import ConfigError


def configuration(file: Path | None, environ: Mapping[str, str]) -> tuple[Settings | None, list[Fact]]:
    """Return the settings, or ``None`` if they are not valid, and facts about them.

    Parameters
    ----------
    file
        As for `load_settings`.
    environ
        The process's environment, of which only names are shown.
    """
    path = file or Path(DEFAULT_FILE)
    names = sorted(name for name in environ if name.upper().startswith(ENV_PREFIX))
    place = str(path.absolute()) if file is not None or path.exists() else f"no {DEFAULT_FILE} here: the defaults"
    text = f"{place}{'; set in the environment: ' + ', '.join(names) if names else ''}"
    try:
        settings = load_settings(file)
    except ConfigError as error:
        return None, [Fact("config", "fails", f"{text}: {'; '.join(error.problems)}")]
    return settings, [Fact("config", "ok", f"{text}, valid"), _alerts(settings)]


def _alerts(settings: Settings) -> Fact:
    listen = settings.monitoring.listen
    where = f"; metrics on {listen}" if listen is not None else "; no metrics (monitoring.listen)"
    where += "; heartbeat" if settings.alerts.heartbeat_url is not None else ""
    if settings.alerts.on_alert is None:
        return Fact("alerts", "note", f"alerts.on_alert is not set: nobody is told of a failure{where}")
    return Fact("alerts", "ok", f"alerts.on_alert is set; `fxticker alert --test` tries it{where}")
