"""Bill of materials of a release, in CycloneDX: what the wheel has inside, and what its lock file puts beside it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

PROJECT = "fxticker"
VERSION = SchemaVersion.V1_6
_LOCKED = re.compile(
    r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+?)(?: ; (?P<marker>.*?))? \\\n"
    r"(?:    --.*\n)+"
    r"    # via (?P<via>.*)$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Locked:
    """A package of a lock file.

    Attributes
    ----------
    name, version
        As locked.
    marker
        For which machines; empty for all.
    requirers
        Names of the packages of the lock that need it, `PROJECT` among them if the project itself does.
    """

    name: str
    version: str
    marker: str
    requirers: frozenset[str]


def sbom(root: Path, version: str, commit: str, made_at: datetime) -> str:
    """Return the bill of materials of a release as JSON, the same text for the same commit.

    Parameters
    ----------
    root
        The project's folder, with ``requirements/run.txt`` and ``page/package-lock.json``.
    version
        Of the project.
    commit
        Its full id.
    made_at
        When it was made; aware.
    """
    whole = _component(PROJECT, version, "pypi", licence="MIT", kind=ComponentType.APPLICATION)
    bom = Bom(serial_number=uuid5(NAMESPACE_URL, f"{PROJECT} {version} {commit}"))
    bom.metadata.component, bom.metadata.timestamp = whole, made_at
    bundled = list(_bundled(root / "page" / "package-lock.json"))
    locked = list(locked_packages((root / "requirements" / "run.txt").read_text("utf-8")))
    beside = {each: _component(each.name, each.version, "pypi", marker=each.marker) for each in locked}
    for component in (*bundled, *beside.values()):
        bom.components.add(component)
    own = [component for each, component in beside.items() if PROJECT in each.requirers]
    bom.register_dependency(whole, [*bundled, *own])
    for each, component in beside.items():
        needed = [other for other_locked, other in beside.items() if each.name in other_locked.requirers]
        bom.register_dependency(component, needed)
    return make_outputter(bom, OutputFormat.JSON, VERSION).output_as_string(indent=1) + "\n"


def locked_packages(text: str) -> Iterator[Locked]:
    """Yield the packages of a lock file but those that only building needs, such as flit-core."""
    for match in _LOCKED.finditer(text):
        named = [each for each in match["via"].split(", ") if not each.startswith("-c ")]
        requirers = {PROJECT if each == f"{PROJECT} (pyproject.toml)" else each for each in named}
        requirers -= {f"{PROJECT} (pyproject.toml:build)"}
        if requirers:
            yield Locked(match["name"], match["version"], match["marker"] or "", frozenset(requirers))


def _bundled(lock: Path) -> Iterator[Component]:
    """Yield the packages whose code is in the script of the page."""
    for path, package in json.loads(lock.read_text("utf-8"))["packages"].items():
        name = path.removeprefix("node_modules/")
        if name and not package.get("dev"):
            yield _component(name, package["version"], "npm", licence=package["license"])


def _component(
    name: str,
    version: str,
    registry: str,
    *,
    licence: str | None = None,
    marker: str = "",
    kind: ComponentType = ComponentType.LIBRARY,
) -> Component:
    url = PackageURL(registry, None, name, version)
    return Component(
        name=name,
        version=version,
        type=kind,
        bom_ref=str(url),
        purl=url,
        scope=ComponentScope.REQUIRED,
        licenses=[] if licence is None else [DisjunctiveLicense(id=licence)],
        properties=[Property(name="environment marker", value=marker)] if marker else [],
    )
