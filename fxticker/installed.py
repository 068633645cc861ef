"""Installed packages: which of the project's requirements an installation has, and which extra brings each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec

PROJECT = "fxticker"
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_EXTRA = re.compile(r"""extra == ["']([\w-]+)["']""")


@dataclass(frozen=True, slots=True)
class Requirement:
    """A package that the project, or one of its extras, requires.

    Attributes
    ----------
    name
        Of the distribution, in lower case with hyphens: ``prometheus-client``.
    extra
        The extra that requires it; ``None`` for the project itself.
    version
        The installed version; ``None`` if the package is not installed.
    """

    name: str
    extra: str | None
    version: str | None


def requirements() -> list[Requirement]:
    """Return what the project requires, by extra and name; empty where the project's own metadata are not installed."""
    try:
        lines = metadata.requires(PROJECT) or []
    except metadata.PackageNotFoundError:
        return []
    found = [Requirement(*_named(line)) for line in lines]
    return sorted((each for each in found if each.name != PROJECT), key=lambda each: (each.extra or "", each.name))


def missing_text(error: ModuleNotFoundError) -> str | None:
    """Return which requirement a failed import needs and what installs it; ``None`` for any other module.

    A recorder's installation has only what recording needs, and an extra may not be installed.
    """
    module = (error.name or "").partition(".")[0]
    needed = [each for each in requirements() if each.name == _normal(module)]
    if not needed or find_spec(module) is not None:
        return None
    install = PROJECT if needed[0].extra is None else f"'{PROJECT}[{needed[0].extra}]'"
    return f"this command needs {needed[0].name}, which is not installed: pip install {install}"


def _named(line: str) -> tuple[str, str | None, str | None]:
    """Return name, extra and installed version of a requirement, ``xlsxwriter>=3.2; extra == "excel"``."""
    match, extra = _NAME.match(line), _EXTRA.search(line)
    assert match is not None, line
    try:
        version = metadata.version(match[0])
    except metadata.PackageNotFoundError:
        version = None
    return _normal(match[0]), extra and extra[1], version


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
