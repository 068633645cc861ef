"""Software: the versions of fxticker, Python, the system and the required packages, and which extras are installed."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from itertools import groupby

from fxticker.doctor.fact import Fact
from fxticker.installed import Requirement, requirements


def software_facts() -> Iterator[Fact]:
    """Yield a fact about Python, the system, the required packages, and the extras."""
    flags = " in a virtual environment" if sys.prefix != sys.base_prefix else ""
    yield Fact("python", "ok", f"{platform.python_implementation()} {platform.python_version()}{flags}")
    yield Fact("system", "ok", f"{_distribution()}, {platform.system()} {platform.release()} {platform.machine()}")
    known = requirements()
    if not known:
        yield Fact("packages", "note", "the metadata of fxticker are not installed: versions are not known")
        return
    yield _packages([each for each in known if each.extra is None])
    extras = groupby((each for each in known if each.extra is not None), key=lambda each: each.extra or "")
    for extra, packages in extras:
        yield _extra(extra, list(packages))


def _packages(required: list[Requirement]) -> Fact:
    there = ", ".join(f"{each.name} {each.version}" for each in required if each.version is not None)
    missing = ", ".join(each.name for each in required if each.version is None)
    if missing:
        return Fact("packages", "note", f"{there}; not installed: {missing}, which commands that need them name")
    return Fact("packages", "ok", there)


def _extra(name: str, packages: list[Requirement]) -> Fact:
    there = ", ".join(f"{each.name} {each.version}" for each in packages if each.version is not None)
    missing = ", ".join(each.name for each in packages if each.version is None)
    if missing:
        return Fact(f"[{name}]", "note", f"not installed: {missing}" + (f"; installed: {there}" if there else ""))
    return Fact(f"[{name}]", "ok", there)


def _distribution() -> str:
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME", "unnamed distribution")
    except OSError:
        name = "unnamed distribution"
    return f"{name}{', in a container' if _is_container() else ''}"


def _is_container() -> bool:
    """Whether Docker or Podman, or a supervisor that names it, runs this process in a container."""
    marked = any(os.path.exists(file) for file in ("/.dockerenv", "/run/.containerenv"))  # noqa: PTH110
    return marked or "container" in os.environ
