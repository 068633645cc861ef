"""The notebooks run from top to bottom on real history, print what their prose says, and are kept without outputs."""

from io import BytesIO

import numpy as np
import pytest
from builders import cases
from notebook_pages import NAMES, PAGES, executed, page, read
from PIL import Image

CASES = cases("notebooks")
MEAN_TOLERANCE = 3
"""Of 255, between a picture of the documentation and one drawn here: letters differ by the version of a font."""


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_notebook_runs_and_its_page_shows_what_it_prints(name, polled_history_store, monkeypatch):
    monkeypatch.setenv("FXTICKER_STORE__PATH", str(polled_history_store))
    notebook = executed(name)
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    printed = " ".join(" ".join(_text(output) for output in outputs).split())
    assert [text for text in CASES[name]["printed"] if text not in printed] == []
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    text, pictures = page(name, notebook)
    assert len(pictures) == CASES[name]["pictures"]
    assert text == (PAGES / f"{name}.md").read_text("utf-8")
    assert {file for file, content in pictures.items() if not _looks_alike(PAGES / file, BytesIO(content))} == set()


@pytest.mark.parametrize("name", NAMES)
def test_notebook_is_kept_without_outputs(name):
    code = [cell for cell in read(name).cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)


@pytest.mark.parametrize("name", NAMES)
def test_page_of_a_notebook_has_its_cells(name):
    shown = (PAGES / f"{name}.md").read_text("utf-8")
    assert [cell.source for cell in read(name).cells if cell.source.replace(".ipynb`", "`") not in shown] == []


def _looks_alike(known, seen):
    with Image.open(known) as first, Image.open(seen) as second:
        if first.size != second.size:
            return False
        one, other = (np.asarray(image.convert("RGB").reduce(4)).astype(float) for image in (first, second))
        return bool(np.abs(one - other).mean() < MEAN_TOLERANCE)


def _text(output):
    return output.get("text") or output.get("data", {}).get("text/plain", "")
