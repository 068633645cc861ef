"""Template of a package that adds a source, filled in: ``python contrib/source/new_source.py ID FOLDER``."""

import re
import sys
from pathlib import Path
from shutil import copytree

TEMPLATE = Path(__file__).parent / "template"
NAME = "mybank"
"""Stands for the id of the source in the template's texts and file names."""


def new_source(source_id: str, folder: Path) -> None:
    """Write a package of its own for a source.

    Parameters
    ----------
    source_id
        The source's id: letters a-z and digits, beginning with a letter, so that it may stand in a module's name.
    folder
        Where the package is written; must not exist.
    """
    if not re.fullmatch("[a-z][a-z0-9]{0,63}", source_id):
        sys.exit(f"an id here has letters a-z and digits, and begins with a letter, not {source_id!r}")
    if folder.exists():
        sys.exit(f"{folder} exists")
    copytree(TEMPLATE, folder)
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".py", ".toml"):
            path.write_text(path.read_text("utf-8").replace(NAME, source_id), "utf-8")
        if NAME in path.name:
            path.rename(path.with_name(path.name.replace(NAME, source_id)))


if __name__ == "__main__":
    if len(sys.argv) != 3:  # noqa: PLR2004  the script, an id and a folder
        sys.exit(__doc__)
    new_source(sys.argv[1], Path(sys.argv[2]))
