"""Store location: the value of ``--store`` and of other options and arguments that name a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from fxticker.store.location import Location


class StoreLocation(click.Path):
    """A store's folder as a path, or the URL of an object storage as a text."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the location; refuse, as wrong usage, a URL that names no bucket of an object storage."""
        from fxticker.store.s3_location import s3_url

        try:
            url = s3_url(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return super().convert(value, param, ctx) if url is None else url


store_location = StoreLocation(path_type=Path, readable=False)


def refuse_unnamed(_context: object, _option: object, location: Location | None) -> Location | None:
    """Refuse, as wrong usage, the empty text: an unset variable of a shell must not mean the working directory."""
    if location is not None and str(location) == ".":
        raise click.BadParameter("must name a file or folder; for the working directory say $PWD")
    return location
