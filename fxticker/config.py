"""The configuration: ``config.toml``, overridden by environment variables, checked as a whole."""

from __future__ import annotations

import math
import os
import re
import shlex
import stat
import tomllib
from collections.abc import Iterable
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address
from itertools import islice, pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from fxticker.daemon.configured import DEFAULT_FILE
from fxticker.errors import ConfigError
from fxticker.model.schedule import EPOCH, Cron, every, slots_between
from fxticker.sources import ScheduledSource, known_sources, scheduled, source_of

ENV_PREFIX = "FXTICKER_"
_MAX_BYTES = 1_000_000
"""Two hundred times the file that explains every key."""
_UNREPEATED = ("url", "on_alert", "wayback", "commoncrawl_index", "commoncrawl_data")
_LISTEN = re.compile(r"(?:([0-9.]{1,15})|\[([0-9a-fA-F:.]{1,45})\]):([0-9]{1,5})")
_MAX_PORT = 65535
_STRICT = ConfigDict(extra="forbid", frozen=True)


class StoreSettings(BaseModel):
    """``[store]``."""

    model_config = _STRICT

    path: Path = Path("parquet")

    @field_validator("path", mode="before")
    @classmethod
    def _named(cls, path: object) -> object:
        if path == "" or "\0" in str(path):
            raise ValueError("must name a folder")
        return path


class HttpSettings(BaseModel):
    """``[http]``."""

    model_config = _STRICT

    timeout_s: float = Field(20.0, gt=0, le=3600)
    max_bytes: int = Field(5_000_000, gt=0, le=1_000_000_000)
    user_agent: str = Field("fxticker/0.1 (rate recorder; contact not set)", min_length=3, pattern=r"^[\x20-\x7e]+$")


class SourceSettings(BaseModel):
    """``[sources.ID]``; what is left out is the source's own."""

    model_config = _STRICT

    enabled: bool = True
    url: str | None = None
    every: str | None = None
    cron: str | None = None

    @field_validator("url")
    @classmethod
    def _plain_url(cls, url: str | None) -> str | None:
        return None if url is None else _checked(url)

    @field_validator("every")
    @classmethod
    def _interval(cls, text: str | None) -> str | None:
        if text is not None:
            every(text, "")
        return text

    @field_validator("cron")
    @classmethod
    def _expression(cls, text: str | None) -> str | None:
        if text is not None:
            Cron(text)
        return text

    @model_validator(mode="after")
    def _one_cadence(self) -> SourceSettings:
        if self.every is not None and self.cron is not None:
            raise ValueError("give either every or cron, not both")
        return self

    def overrides(self) -> dict[str, str | None]:
        """What `fxticker.sources.scheduled` takes."""
        return {"url": self.url, "every": self.every, "cron": self.cron}


class ArchiveSettings(BaseModel):
    """``[archives]``: where the archives of the web are."""

    model_config = _STRICT

    wayback: str = "https://web.archive.org/"
    commoncrawl_index: str = "https://index.commoncrawl.org/"
    commoncrawl_data: str = "https://data.commoncrawl.org/"

    @field_validator("*")
    @classmethod
    def _root(cls, url: str) -> str:
        parts = urlsplit(_checked(url))
        if parts.query or parts.fragment or not parts.path.endswith("/"):
            raise ValueError("must end with /: what is asked for is added to it")
        return url


def _checked(url: str) -> str:
    """A URL that can be asked and may be shown."""
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not carry a user or a password: it would end in logs")
    if not _is_plain(url):
        raise ValueError("must be an http or https URL with a host, and a port below 65536 if any")
    return url


def _is_plain(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return has_port and parts.scheme in ("http", "https") and bool(parts.hostname) and re.search(r"\s", url) is None


class MonitoringSettings(BaseModel):
    """``[monitoring]``."""

    model_config = _STRICT

    listen: str | None = None

    @field_validator("listen")
    @classmethod
    def _on_this_machine(cls, listen: str | None) -> str | None:
        if listen is not None:
            address_of(listen)
        return listen


class AlertSettings(BaseModel):
    """``[alerts]``."""

    model_config = _STRICT

    on_alert: str | None = None

    @field_validator("on_alert")
    @classmethod
    def _a_command(cls, command: str | None) -> str | None:
        words = [] if command is None else shlex.split(command)
        if command is not None and not (words and words[0] and "\0" not in command):
            raise ValueError("must name a command")
        if words and "=" in words[0].partition("/")[0]:
            raise ValueError("must begin with a program: there is no shell that would set a variable")
        return command


def address_of(listen: str) -> tuple[str, int]:
    """Host and port of ``listen = "127.0.0.1:9464"``.

    Raises
    ------
    ValueError
        If it is no port of a loopback address: metrics are for this machine, and whoever serves others guards them.
    """
    match = _LISTEN.fullmatch(listen)
    if match and 0 < int(match[3]) <= _MAX_PORT:
        try:
            host = IPv4Address(match[1]) if match[1] else IPv6Address(match[2])
        except ValueError:
            pass
        else:
            if host.is_loopback:
                return str(host), int(match[3])
    raise ValueError('must be a loopback address with a port, "127.0.0.1:9464" or "[::1]:9464"')


class Settings(BaseModel):
    """The whole configuration, valid in itself."""

    model_config = _STRICT

    store: StoreSettings = StoreSettings()
    http: HttpSettings = Field(default_factory=lambda: HttpSettings.model_validate({}))
    monitoring: MonitoringSettings = MonitoringSettings()
    alerts: AlertSettings = AlertSettings()
    archives: ArchiveSettings = ArchiveSettings()
    sources: dict[str, SourceSettings] = Field(default_factory=lambda: {"timesca": SourceSettings()})

    @field_validator("sources")
    @classmethod
    def _known(cls, sources: dict[str, SourceSettings]) -> dict[str, SourceSettings]:
        unknown = sorted(name for name in sources if source_of(name) is None)
        if unknown:
            raise ValueError(f"unknown source {', '.join(unknown)}; known are {', '.join(sorted(known_sources()))}")
        return sources

    def planned(self) -> list[ScheduledSource]:
        """The enabled sources with their grids, by id."""
        return [scheduled(**told) for told in self._enabled()]

    def for_daemon(self) -> dict[str, Any]:
        """What `fxticker.daemon.configured.Configured` is made of, in types that JSON knows."""
        return {
            "store": str(self.store.path),
            "http": self.http.model_dump(),
            "listen": None if self.monitoring.listen is None else address_of(self.monitoring.listen),
            "on_alert": self.alerts.on_alert,
            "planned": self._enabled(),
        }

    def _enabled(self) -> list[dict[str, Any]]:
        return [{"name": name, **chosen.overrides()} for name, chosen in sorted(self.sources.items()) if chosen.enabled]


def sources_to_poll(configured: Settings, file: Path | None) -> list[ScheduledSource]:
    """The enabled sources with their grids.

    Raises
    ------
    ConfigError
        If there is none: the configuration is a bad one for whoever is to poll.
    """
    planned = configured.planned()
    if not planned:
        raise ConfigError(str(file or DEFAULT_FILE), ["sources: none is enabled, there is nothing to poll"])
    return planned


def load_settings(path: Path | None = None) -> Settings:
    """Read the configuration.

    Parameters
    ----------
    path
        The file; without one, ``config.toml`` in the working directory if there is one, and else the defaults. A
        relative ``[store] path`` in the file starts at the file's folder.

    Raises
    ------
    ConfigError
        If a key is unknown or a value is not allowed: all such problems at once, each with what is allowed.
    """
    file = path or Path(DEFAULT_FILE)
    data = _read(file) if path is not None or file.exists() else {}
    problems = _unknown_environment() + _unknown_tables(data)
    tables = {name: table for name, table in _anchored(data, file.parent).items() if name in _TABLES}
    try:
        settings = Settings.model_validate(_overridden(tables))
    except ValidationError as error:
        raise ConfigError(str(file), problems + [_problem(item) for item in error.errors()]) from error
    problems += slow_polls(settings.planned(), settings.http.timeout_s)
    if problems:
        raise ConfigError(str(file), problems)
    return settings


def _read(file: Path) -> dict[str, Any]:
    try:
        status = file.stat()
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)) or status.st_size > _MAX_BYTES:
            raise ConfigError(str(file), [f"must be a file of at most {_MAX_BYTES} bytes"])
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(str(file), [error.strerror or str(error)]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(str(file), [f"no valid TOML: {error}"]) from error


def _anchored(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    store = data.get("store")
    if isinstance(store, dict) and isinstance(store.get("path"), str) and store["path"]:
        return {**data, "store": {**store, "path": folder / store["path"]}}
    return data


def _overridden(tables: dict[str, Any]) -> dict[str, Any]:
    """The tables, with what the environment says instead."""
    for name, value in sorted(os.environ.items()):
        *path, key = name.lower().removeprefix(ENV_PREFIX.lower()).split("__")
        if not name.upper().startswith(ENV_PREFIX) or not path or path[0] not in _TABLES:
            continue  # not ours, or named as unknown already
        table: Any = tables
        for part in path:
            # What should be a table and is none in the file is left to the check of the whole.
            table = table.setdefault(part, {}) if isinstance(table, dict) else None
        if isinstance(table, dict):
            table[key] = value
    return tables


def _unknown_environment() -> list[str]:
    known = [f"{ENV_PREFIX}{table.upper()}__" for table in _TABLES]
    return [
        f"environment variable {name}: unknown; allowed are {', '.join(f'{prefix}…' for prefix in known)}"
        for name in sorted(os.environ)
        if name.upper().startswith(ENV_PREFIX) and not name.upper().startswith(tuple(known))
    ]


def _unknown_tables(data: dict[str, Any]) -> list[str]:
    return [f"{name}: unknown key; allowed are {', '.join(_TABLES)}" for name in data if name not in _TABLES]


def slow_polls(plans: Iterable[ScheduledSource], timeout_s: float) -> list[str]:
    """A poll must be over before the next slot, or its outcome would come too late for the grid."""
    problems = []
    for planned in plans:
        slots = list(islice(slots_between(planned.schedule, EPOCH, EPOCH + timedelta(days=400)), _SLOTS_LOOKED_AT))
        # A cron expression may have one slot a year.
        interval_s = min(((later - earlier).total_seconds() for earlier, later in pairwise(slots)), default=math.inf)
        if timeout_s >= interval_s:
            problems.append(
                f"http.timeout_s: {timeout_s:g} s is not shorter than the interval of "
                f"{planned.source.id}, {interval_s:g} s"
            )
    return problems


_TABLES = tuple(Settings.model_fields)
_SLOTS_LOOKED_AT = 2000
"""Enough slots to meet the two closest ones of any cron expression that is not contrived."""
_MODELS: dict[str, type[BaseModel]] = {
    "store": StoreSettings,
    "http": HttpSettings,
    "monitoring": MonitoringSettings,
    "alerts": AlertSettings,
    "archives": ArchiveSettings,
    "sources": SourceSettings,
}


def _problem(item: Any) -> str:
    key = ".".join(str(part) for part in item["loc"])
    variable = ENV_PREFIX + key.replace(".", "__").upper()
    where = f", in the environment variable {variable}" if variable in map(str.upper, os.environ) else ""
    if item["type"] == "extra_forbidden":
        table = item["loc"][0] if len(item["loc"]) > 1 else None
        model = Settings if table is None else _MODELS[str(table)]
        return f"{key}: unknown key; allowed are {', '.join(model.model_fields)}{where}"
    # A URL may hold a password, a command a key, and a table either: none is repeated.
    is_shown = isinstance(item["input"], str | int | float) and item["loc"][-1] not in _UNREPEATED
    given = f" (given: {str(item['input'])[:60]!r})" if is_shown else ""
    return f"{key}: {item['msg'].removeprefix('Value error, ')}{given}{where}"
