"""The configuration: ``config.toml``, overridden by environment variables, checked as a whole."""

from __future__ import annotations

import os
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from fxticker.errors import ConfigError
from fxticker.schedule import EPOCH, Cron, Schedule, every
from fxticker.sources import Planned, known_sources

DEFAULT_FILE = "config.toml"
ENV_PREFIX = "FXTICKER_"
_STRICT = ConfigDict(extra="forbid", frozen=True)


class StoreSettings(BaseModel):
    """``[store]``."""

    model_config = _STRICT

    path: Path = Path("parquet")


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
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an http or https URL with a host")
        if parts.username is not None or parts.password is not None:
            raise ValueError("must not carry a user or a password: it would end in logs")
        return url

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


class Settings(BaseSettings):
    """The whole configuration, valid in itself."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_prefix=ENV_PREFIX, env_nested_delimiter="__")

    store: StoreSettings = StoreSettings()
    http: HttpSettings = Field(default_factory=lambda: HttpSettings.model_validate({}))
    sources: dict[str, SourceSettings] = Field(default_factory=lambda: {"timesca": SourceSettings()})

    @field_validator("sources")
    @classmethod
    def _known(cls, sources: dict[str, SourceSettings]) -> dict[str, SourceSettings]:
        unknown = sorted(set(sources) - set(known_sources()))
        if unknown:
            raise ValueError(f"unknown source {', '.join(unknown)}; known are {', '.join(sorted(known_sources()))}")
        return sources

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment goes before the file, whose content comes as the initial values."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings

    def planned(self) -> list[Planned]:
        """The enabled sources with their grids, by id."""
        return [plan(name, chosen) for name, chosen in sorted(self.sources.items()) if chosen.enabled]


def plan(name: str, chosen: SourceSettings) -> Planned:
    """A source as configured: its own settings where none are given."""
    source = known_sources()[name]
    schedule: Schedule = Cron(chosen.cron) if chosen.cron else every(chosen.every or source.every, name)
    return Planned(replace(source, url=chosen.url or source.url), schedule)


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
    try:
        settings = Settings(**_anchored(data, file.parent))
    except ValidationError as error:
        raise ConfigError(str(file), _unknown_environment() + [_problem(item) for item in error.errors()]) from error
    problems = _unknown_environment() + _slow_polls(settings)
    if problems:
        raise ConfigError(str(file), problems)
    return settings


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(str(file), [error.strerror or str(error)]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(str(file), [f"no valid TOML: {error}"]) from error


def _anchored(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    store = data.get("store")
    if isinstance(store, dict) and isinstance(store.get("path"), str):
        return {**data, "store": {**store, "path": folder / store["path"]}}
    return data


def _unknown_environment() -> list[str]:
    known = [f"{ENV_PREFIX}{field.upper()}" for field in Settings.model_fields]
    return [
        f"environment variable {name}: unknown; allowed are {', '.join(f'{prefix}__…' for prefix in known)}"
        for name in sorted(os.environ)
        if name.startswith(ENV_PREFIX) and name.partition("__")[0] not in known
    ]


def _slow_polls(settings: Settings) -> list[str]:
    """A poll must be over before the next slot, or its outcome would come too late for the grid."""
    problems = []
    for planned in settings.planned():
        first = planned.schedule.after(EPOCH)
        interval_s = (planned.schedule.after(first) - first).total_seconds()
        if settings.http.timeout_s >= interval_s:
            problems.append(
                f"http.timeout_s: {settings.http.timeout_s:g} s is not shorter than the interval of "
                f"{planned.source.id}, {interval_s:g} s"
            )
    return problems


_MODELS: dict[str, type[BaseModel]] = {"store": StoreSettings, "http": HttpSettings, "sources": SourceSettings}


def _problem(item: Any) -> str:
    key = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        table = item["loc"][0] if len(item["loc"]) > 1 else None
        model = Settings if table is None else _MODELS[str(table)]
        return f"{key}: unknown key; allowed are {', '.join(model.model_fields)}"
    given = "" if item["type"] == "missing" else f" (given: {str(item['input'])[:60]!r})"
    return f"{key}: {item['msg'].removeprefix('Value error, ')}{given}"
