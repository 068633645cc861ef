"""Store location: the value of ``--store`` and of other options and arguments that name a store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


class StoreLocation(click.Path):
    """A store's folder as a path, or the URL of an object storage as a text."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the location; refuse, as wrong usage, a URL that names no bucket."""
        from fxticker.store.s3_location import checked_s3, is_s3

        if not is_s3(value):
            return super().convert(value, param, ctx)
        try:
            return checked_s3(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


store_location = StoreLocation(path_type=Path, readable=False)
