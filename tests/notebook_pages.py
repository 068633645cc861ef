"""The notebooks as pages of the documentation, executed on the packaged history; ``make notebooks`` writes them anew.

The notebooks themselves are kept without outputs, so that a change of code and not of its output is what is reviewed.
"""

import base64
import os
import sys
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

import nbformat
from builders import store_polled_history
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "notebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
PAGES = ROOT / "docs" / "notebooks"
WIDER = "import pandas; pandas.set_option('display.width', 140)"
"""Runs before the first cell: a frame is wrapped at 80 characters by default."""


def read(name):
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def executed(name):
    """A notebook with its outputs, run on the store that FXTICKER_STORE__PATH names."""
    notebook = read(name)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(WIDER))
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(FOLDER)}})
    client.execute()
    del notebook.cells[0]
    return notebook


def page(name, notebook):
    """The text of an executed notebook's page, and its pictures by file name."""
    pictures = {}
    parts = [f"<!-- Written by `make notebooks` from notebooks/{name}.ipynb: change that. -->"]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source.replace(".ipynb`", "`"))
            continue
        parts.append(f"```python\n{cell.source}\n```")
        printed = "".join(output.text for output in cell.outputs if output.output_type == "stream")
        texts = [printed, *(output.data.get("text/plain", "") for output in _shown(cell) if not _picture(output))]
        parts += [f"```text\n{text.rstrip()}\n```" for text in texts if text]
        for output in filter(_picture, _shown(cell)):
            file = f"{name}_{len(pictures) + 1}.png"
            pictures[file] = base64.b64decode(_picture(output))
            parts.append(f"![Chart {len(pictures)} of {name}]({file})")
    return "\n\n".join(parts) + "\n", pictures


def _shown(cell):
    return [output for output in cell.outputs if output.output_type in ("display_data", "execute_result")]


def _picture(output):
    return output.data.get("image/png")


def main():
    rmtree(PAGES, ignore_errors=True)
    PAGES.mkdir()
    with TemporaryDirectory() as folder:
        store_polled_history(Path(folder) / "parquet")
        os.environ["FXTICKER_STORE__PATH"] = f"{folder}/parquet"
        for name in NAMES:
            text, pictures = page(name, executed(name))
            (PAGES / f"{name}.md").write_text(text, "utf-8")
            for file, content in pictures.items():
                (PAGES / file).write_bytes(content)
            sys.stdout.write(f"{PAGES / name}.md, {len(pictures)} pictures\n")


if __name__ == "__main__":
    main()
