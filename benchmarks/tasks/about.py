"""About: versions of the packages in an environment."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def versions(packages: list[str]) -> dict[str, str | None]:
    """Return the versions of distributions; `None` for one that is not installed."""
    return {package: _version(package) for package in packages}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
