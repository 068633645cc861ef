"""Files that the package installs below ``share/``: manual pages, and completions for bash, zsh and fish.

``make share`` writes them into contrib/data, from where the wheel takes them. They are committed, because a wheel is
built without a step of our own; a test compares them with what the commands and Click give.
"""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree

from click.shell_completion import get_completion_class
from command_facts import ROOT
from man_pages import man_pages

from fxticker.cli import app

FOLDER = ROOT / "contrib" / "data" / "share"
COMPLETIONS = {
    "bash": "bash-completion/completions/fxticker",
    "zsh": "zsh/site-functions/_fxticker",
    "fish": "fish/vendor_completions.d/fxticker.fish",
}
"""Where each shell looks below ``share/``."""


def shared_files() -> dict[str, str]:
    """Return the text of each file by its path below ``share/``."""
    files = {f"man/man1/{name}": text for name, text in man_pages().items()}
    for shell, path in COMPLETIONS.items():
        completion = get_completion_class(shell)
        assert completion is not None
        files[path] = completion(app, {}, "fxticker", "_FXTICKER_COMPLETE").source().strip() + "\n"
    return files


def write(folder: Path) -> None:
    """Write all files in place of those that are there."""
    rmtree(folder, ignore_errors=True)
    for name, text in shared_files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    write(FOLDER)
