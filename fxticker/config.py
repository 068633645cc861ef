"""Configuration: reads ``config.toml``, applies environment variables, and validates the whole."""

# cattrs strips annotations that are strings of what `Annotated` adds, so they are evaluated here.
import math
import os
import re
import shlex
import stat
import tomllib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args, get_origin
from urllib.parse import urlsplit

from cattrs import BaseValidationError, Converter, ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn

from fxticker.errors import ConfigError
from fxticker.model.moves import MoveLimit, limits_by_pair, move_limit
from fxticker.model.schedule import Cron, every, slots_between
from fxticker.model.timestamps import EPOCH
from fxticker.sources.rate_order import DEFAULT_ORDER, SourceOrder
from fxticker.sources.registry import ScheduledSource, known_sources, scheduled, source_of
from fxticker.store.s3_location import s3_url

if TYPE_CHECKING:
    from fxticker.fetch.client import Fetcher

DEFAULT_FILE = "config.toml"
ENV_PREFIX = "FXTICKER_"
FILE_VARIABLE = "FXTICKER_CONFIG"
"""Names the file for commands, as ``--config`` does."""
_MAX_BYTES = 1_000_000
"""Two hundred times the size of the file that explains every key."""
_SLOTS_COMPARED = 2000
"""Enough slots to contain the two closest ones of any realistic cron expression."""
_SECRET_KEYS = ("url", "proxy", "on_alert", "heartbeat_url", "wayback", "commoncrawl_index", "commoncrawl_data")
"""Keys whose values may contain a password: error messages do not repeat them."""
_NO_TABLE = "must be a table"
_OTHER_UNICODE = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\0\0\xfe\xff": "UTF-32"}
"""Byte-order marks of encodings that TOML does not allow; that of UTF-32 in the other order begins as UTF-16's."""
_LISTEN = re.compile(r"(?:([0-9.]{1,15})|\[([0-9a-fA-F:.]{1,45})\]):([0-9]{1,5})")
_MAX_PORT = 65535
_BOOLEANS = dict.fromkeys(("1", "on", "t", "true", "y", "yes"), True) | dict.fromkeys(
    ("0", "off", "f", "false", "n", "no"), False
)


_Number = TypeVar("_Number", int, float)

# Values. Each function turns what a file or an environment variable holds into a field's value, or raises ValueError.
# An environment variable is always a text.


def _boolean(value: object) -> bool:
    result = _BOOLEANS.get(str(value).lower()) if isinstance(value, bool | str) else None
    if result is None:
        raise ValueError("must be true or false")
    return result


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a text")  # noqa: TRY004 - one kind of error for bad values
    return value


def _limited(value: object, *, kind: type[_Number], name: str, limit: int) -> _Number:
    number: _Number | None = None
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        with suppress(ValueError, OverflowError):
            number = kind(value)
    if number is None or (isinstance(value, float) and number != value):
        raise ValueError(f"must be {name}")
    if not number > 0:
        raise ValueError("must be above 0")
    if number > limit:
        raise ValueError(f"must be at most {limit}")
    return number


def _location(value: object) -> Path | str:
    """Return a store's folder, or the URL of an object storage."""
    if (url := s3_url(value)) is not None:
        return url
    if value == "" or "\0" in str(value) or not isinstance(value, str | Path):
        raise ValueError("must name a folder")
    return Path(value)


def _file(value: object) -> Path:
    if value == "" or "\0" in str(value) or not isinstance(value, str | Path):
        raise ValueError("must name a file")
    return Path(value)


def _user_agent(value: object) -> str:
    if re.fullmatch(r"[\x20-\x7e]{3,}", _text(value)) is None:
        raise ValueError("must be printable ASCII of at least 3 characters")
    return _text(value)


def _url(value: object) -> str:
    """Return an http or https URL without credentials."""
    url = _text(value)
    try:
        url.encode()  # bytes of an environment variable that are no UTF-8 cannot be sent
        parts = urlsplit(url)
        is_valid = parts.port is None or parts.port > 0
    except ValueError:
        is_valid = False
    if is_valid and not (parts.username is None and parts.password is None):
        raise ValueError("must not carry a user or a password: it would end in logs")
    if not (is_valid and parts.scheme in ("http", "https") and parts.hostname and re.search(r"\s", url) is None):
        raise ValueError("must be an http or https URL with a host, and a port below 65536 if any")
    return url


def _proxy(value: object) -> str:
    """Return the URL of a proxy; a user and a password may stand in it, if they come from the environment."""
    url = _text(value)
    try:
        parts = urlsplit(url)
        is_valid = parts.port is None or parts.port > 0
    except ValueError:
        is_valid = False
    is_bare = is_valid and parts.path in ("", "/") and not parts.query and not parts.fragment
    if not (is_bare and parts.scheme in ("http", "https") and parts.hostname and re.fullmatch(r"[\x21-\x7e]+", url)):
        raise ValueError("must be the http or https URL of a proxy, with a host, and a port below 65536 if any")
    return url


def _root_url(value: object) -> str:
    parts = urlsplit(_url(value))
    if parts.query or parts.fragment or not parts.path.endswith("/"):
        raise ValueError("must end with /: what is asked for is added to it")
    return _text(value)


def _accepted(check: Callable[[str], object], value: object) -> str:
    """Return a text for which `check` raises no `ValueError`."""
    check(_text(value))
    return _text(value)


_interval = partial(_accepted, partial(every, source=""))


def address_of(listen: str) -> tuple[str, int]:
    """Return host and port of ``listen = "127.0.0.1:9464"``.

    Raises
    ------
    ValueError
        If it is not a loopback address with a port: metrics are not served to other machines.
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


def _command(value: object) -> str:
    words = shlex.split(_text(value))
    if not (words and words[0]) or "\0" in _text(value):
        raise ValueError("must name a command")
    if "=" in words[0].partition("/")[0]:
        raise ValueError("must begin with a program: there is no shell that would set a variable")
    return _text(value)


def _move_limit(value: object) -> MoveLimit:
    return move_limit(_text(value))


def _order(value: object) -> tuple[str, ...]:
    if not isinstance(value, str | list) or not all(isinstance(entry, str) for entry in value):
        raise ValueError("must be a list of texts")
    return SourceOrder.of(value).entries


# Tables


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """``[store]``."""

    path: Annotated[Path | str, _location] = Path("parquet")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """``[http]``."""

    timeout_s: Annotated[float, partial(_limited, kind=float, name="a number", limit=3600)] = 20.0
    max_bytes: Annotated[int, partial(_limited, kind=int, name="a whole number", limit=1_000_000_000)] = 5_000_000
    user_agent: Annotated[str, _user_agent] = "fxticker/0.1 (rate recorder; contact not set)"
    proxy: Annotated[str | None, _proxy] = field(default=None, repr=False)
    ca_file: Annotated[Path | None, _file] = None

    def fetcher(self) -> "Fetcher":
        """Return a new HTTP client with these settings.

        Raises
        ------
        ConfigError
            If `ca_file` or `proxy` cannot be used.
        """
        from fxticker.fetch.client import Fetcher

        return Fetcher(
            timeout_s=self.timeout_s,
            max_bytes=self.max_bytes,
            user_agent=self.user_agent,
            proxy=self.proxy,
            ca_file=self.ca_file,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringSettings:
    """``[monitoring]``."""

    listen: Annotated[str | None, partial(_accepted, address_of)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """``[alerts]``."""

    on_alert: Annotated[str | None, _command] = None
    remind_every: Annotated[str, _interval] = "1d"
    free_space_mb: Annotated[int, partial(_limited, kind=int, name="a whole number", limit=1_000_000_000)] = 100
    heartbeat_url: Annotated[str | None, _url] = field(default=None, repr=False)
    on_move: dict[str, Annotated[MoveLimit, _move_limit]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "on_move", limits_by_pair(self.on_move))
        if self.on_move and self.on_alert is None:
            raise ValueError("on_move needs on_alert: without a command nobody is told of a move")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveSettings:
    """``[archives]``: root URLs of web archives."""

    wayback: Annotated[str, _root_url] = "https://web.archive.org/"
    commoncrawl_index: Annotated[str, _root_url] = "https://index.commoncrawl.org/"
    commoncrawl_data: Annotated[str, _root_url] = "https://data.commoncrawl.org/"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateSettings:
    """``[rate]``: which source answers."""

    order: Annotated[tuple[str, ...], _order] = DEFAULT_ORDER


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """``[sources.ID]``; ``None`` means the source's own value."""

    enabled: Annotated[bool, _boolean] = True
    url: Annotated[str | None, _url] = None
    every: Annotated[str | None, _interval] = None
    cron: Annotated[str | None, partial(_accepted, Cron)] = None

    def __post_init__(self) -> None:
        if self.every is not None and self.cron is not None:
            raise ValueError("give either every or cron, not both")

    def schedule(self, source: str) -> ScheduledSource:
        """Return the source with these settings in place of its own."""
        return scheduled(source, url=self.url, every=self.every, cron=self.cron)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration."""

    store: StoreSettings = StoreSettings()
    http: HttpSettings = HttpSettings()
    monitoring: MonitoringSettings = MonitoringSettings()
    alerts: AlertSettings = AlertSettings()
    archives: ArchiveSettings = ArchiveSettings()
    rate: RateSettings = RateSettings()
    sources: dict[str, SourceSettings] = field(default_factory=lambda: {"timesca": SourceSettings()})

    def planned(self) -> list[ScheduledSource]:
        """Return the enabled sources with their schedules, by id."""
        return [chosen.schedule(name) for name, chosen in sorted(self.sources.items()) if chosen.enabled]


_TABLES = tuple(table.name for table in fields(Settings))


def sources_to_poll(settings: Settings, file: Path | None) -> list[ScheduledSource]:
    """Return the enabled sources with their schedules.

    Raises
    ------
    ConfigError
        If no source is enabled.
    """
    planned = settings.planned()
    if not planned:
        raise ConfigError(str(file or DEFAULT_FILE), ["sources: none is enabled, there is nothing to poll"])
    return planned


def load_settings(path: Path | None = None) -> Settings:
    """Read the configuration.

    Parameters
    ----------
    path
        The file; ``None`` for ``config.toml`` in the working directory, or the defaults if that does not exist. A
        relative ``[store] path`` or ``[http] ca_file`` in the file is relative to the file's folder.

    Raises
    ------
    ConfigError
        If a key is unknown or a value is not allowed: all such problems at once, each with what is allowed.
    """
    file = path or Path(DEFAULT_FILE)
    data = _read(file) if path is not None or file.exists() else {}
    problems = _unknown_environment() + [_unknown_key(name, _TABLES) for name in data if name not in _TABLES]
    problems += _credentials_in(data)
    tables = {name: table for name, table in _anchored(data, file.parent).items() if name in _TABLES}
    problems += _override(tables)
    try:
        settings = _converter().structure(tables, Settings)
    except BaseValidationError as error:
        problems += [_located(*problem) for problem in _problems(error, tables)]
    unknown = _unknown_sources(tables)
    problems += unknown or ([] if problems else slow_polls(settings.planned(), settings.http.timeout_s))
    if problems:
        raise ConfigError(str(file), problems)
    return settings


def _unknown_sources(tables: dict[str, Any]) -> list[str]:
    sources = tables.get("sources")
    unknown = sorted(name for name in sources if source_of(name) is None) if isinstance(sources, dict) else []
    if not unknown:
        return []
    return [f"sources: unknown source {', '.join(unknown)}; known are {', '.join(sorted(known_sources()))}"]


def slow_polls(planned: Iterable[ScheduledSource], timeout_s: float) -> list[str]:
    """Name the sources whose interval is not longer than the time limit of a request: a poll must end before the next.

    Parameters
    ----------
    timeout_s
        The limit of a request, in seconds.
    """
    problems = []
    for plan in planned:
        # A cron expression may have one slot a year.
        slots = list(islice(slots_between(plan.schedule, EPOCH, EPOCH + timedelta(days=400)), _SLOTS_COMPARED))
        interval_s = min(((later - earlier).total_seconds() for earlier, later in pairwise(slots)), default=math.inf)
        if timeout_s >= interval_s:
            interval = f"the interval of {plan.source.id}, {interval_s:g} s"
            problems.append(f"http.timeout_s: {timeout_s:g} s is not shorter than {interval}")
    return problems


# From a file and the environment to tables


def _read(file: Path) -> dict[str, Any]:
    try:
        status = file.stat()
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)) or status.st_size > _MAX_BYTES:
            raise ConfigError(str(file), [f"must be a file of at most {_MAX_BYTES} bytes"])
        return tomllib.loads(_decoded(file))
    except OSError as error:
        raise ConfigError(str(file), [error.strerror or str(error)]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(str(file), [f"no valid TOML: {error}"]) from error


def _decoded(file: Path) -> str:
    """Return a file's text; editors of Windows begin it with a byte-order mark, and some save it as UTF-16."""
    data = file.read_bytes()
    for mark, encoding in _OTHER_UNICODE.items():
        if data.startswith(mark):
            raise ConfigError(str(file), [f"is {encoding} by its byte-order mark (BOM): save it as UTF-8"])
    text = data.decode("utf-8-sig")
    if text.startswith("\ufeff"):
        raise ConfigError(str(file), ["begins with several byte-order marks (BOM): save it with one, or without"])
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _anchored(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the tables with their relative paths seen from a folder."""
    anchored = dict(data)
    for table, key in (("store", "path"), ("http", "ca_file")):
        keys = data.get(table)
        if isinstance(keys, dict) and isinstance(keys.get(key), str) and keys[key]:
            anchored[table] = {**keys, key: keys[key] if keys[key].startswith("s3:") else folder / keys[key]}
    return anchored


def _credentials_in(data: dict[str, Any]) -> list[str]:
    """Name the proxy's credentials in a file, which others may read or back up; in the environment they are allowed."""
    http = data.get("http")
    proxy = http.get("proxy") if isinstance(http, dict) else None
    if not isinstance(proxy, str) or "@" not in proxy:
        return []
    return [f"http.proxy: must not carry a user or a password in a file: set {ENV_PREFIX}HTTP__PROXY"]


def _override(tables: dict[str, Any]) -> list[str]:
    """Put the values of environment variables into the tables; return the problems."""
    problems = []
    for name, value in sorted(os.environ.items()):
        *path, key = name.lower().removeprefix(ENV_PREFIX.lower()).split("__")
        if not name.upper().startswith(ENV_PREFIX) or not path or path[0] not in _TABLES:
            continue  # not ours, or reported as unknown
        table: Any = tables
        for part in path:
            table = table.setdefault(part, {}) if isinstance(table, dict) else None
        if isinstance(table, dict):
            table[key] = value
        elif len(path) > 1 + (
            path[0] == "sources"
        ):  # else the file has a value where a table belongs, which is refused
            problems.append(f"environment variable {name}: {'.'.join(path)} is no table")
    return problems


def _unknown_environment() -> list[str]:
    known = [f"{ENV_PREFIX}{table.upper()}__" for table in _TABLES]
    allowed = ", ".join([FILE_VARIABLE, *(f"{prefix}…" for prefix in known)])
    return [
        f"environment variable {name}: unknown; allowed are {allowed}"
        for name in sorted(os.environ.keys() - {FILE_VARIABLE})
        if name.upper().startswith(ENV_PREFIX) and not name.upper().startswith(tuple(known))
    ]


# From tables to settings


def _converter() -> Converter:
    """Structure values by the function in their annotation, refuse unknown keys, keep all errors."""
    converter = Converter(forbid_extra_keys=True)
    converter.register_structure_hook_factory(_is_value, lambda kind: lambda value, _: get_args(kind)[1](value))
    converter.register_structure_hook_factory(_is_table, lambda kind: _table_hook(kind, converter))
    return converter


def _is_value(kind: Any) -> bool:
    return get_origin(kind) is Annotated


def _is_table(kind: Any) -> bool:
    return (isinstance(kind, type) and hasattr(kind, "__dataclass_fields__")) or get_origin(kind) is dict


def _table_hook(kind: Any, converter: Converter) -> Callable[[Any, Any], Any]:
    structure: Any = (
        converter.gen_structure_mapping(kind)
        if get_origin(kind) is dict
        else make_dict_structure_fn(kind, converter, _cattrs_forbid_extra_keys=True)
    )

    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, dict):
            raise ValueError(_NO_TABLE)  # noqa: TRY004 - one kind of error for bad values
        return structure(value, kind)

    return hook


def _problems(error: BaseException, value: Any, path: tuple[str, ...] = ()) -> Iterable[tuple[tuple[str, ...], str]]:
    """Yield the path of each bad key and the problem, of cattrs' nested errors."""
    if isinstance(error, ForbiddenExtraKeysError):
        allowed = [known.name for known in fields(error.cl)]
        for name in sorted(error.extra_fields, key=list(value).index):
            yield (*path, name), _unknown_key(".".join([*path, name]), allowed)
    elif isinstance(error, BaseValidationError):
        for inner in error.exceptions:
            key = _noted(inner)
            inside = value.get(key) if isinstance(value, Mapping) and key is not None else value
            yield from _problems(inner, inside, path if key is None else (*path, key))
    else:
        # A table and a secret are not repeated, nor a value in place of a table, which may have a secret in it.
        is_secret = path[-1] in _SECRET_KEYS or str(value).startswith("s3:")
        is_shown = isinstance(value, str | int | float) and not is_secret and str(error) != _NO_TABLE
        given = f" (given: {str(value)[:60]!r})" if is_shown else ""
        yield path, f"{'.'.join(path)}: {error}{given}"


def _noted(error: BaseException) -> str | None:
    """Return the key in which an error occurred; ``None`` if it is of the table as a whole."""
    for note in getattr(error, "__notes__", ()):
        if (name := getattr(note, "name", None) or getattr(note, "index", None)) is not None:
            return str(name)
    return None


def _unknown_key(name: str, allowed: Iterable[str]) -> str:
    return f"{name}: unknown key; allowed are {', '.join(allowed)}"


def _located(path: tuple[str, ...], problem: str) -> str:
    """Add the environment variable that a bad value comes from."""
    variable = ENV_PREFIX + "__".join(path).upper()
    return f"{problem}, in the environment variable {variable}" if variable in map(str.upper, os.environ) else problem
