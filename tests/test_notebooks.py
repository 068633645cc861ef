"""The notebooks run from top to bottom on real history, print what their prose says, and are kept without outputs."""

from pathlib import Path

import nbformat
import pytest
from builders import cases
from nbclient import NotebookClient

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
CASES = cases("notebooks")


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_runs_and_prints_what_its_prose_says(name, polled_history_store, monkeypatch):
    monkeypatch.setenv("FXTICKER_STORE__PATH", str(polled_history_store))
    outputs = _outputs(_executed(name))
    printed = " ".join(" ".join(_text(output) for output in outputs).split())
    assert [text for text in CASES[name]["printed"] if text not in printed] == []
    assert sum("image/png" in output.get("data", {}) for output in outputs) == CASES[name]["pictures"]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_is_kept_without_outputs(name):
    code = [cell for cell in _read(name).cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)


def _read(name):
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def _executed(name):
    return NotebookClient(_read(name), timeout=120, resources={"metadata": {"path": str(FOLDER)}}).execute()


def _outputs(notebook):
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def _text(output):
    return output.get("text") or output.get("data", {}).get("text/plain", "")
