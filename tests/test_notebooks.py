"""The notebooks run from top to bottom on real history, print what their prose says, and are kept without outputs."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
PICTURES = {"01_load": 1, "02_drift": 6, "03_operations": 3}
PRINTED = {
    "01_load": [
        "835 rows, 2024-09-08 to 2026-02-25",
        "one step of UZS/USD = 0.00008 is 12.5 % of it",
        "rows: fxticker 835, pandas 835, DuckDB 835, Polars 835",
        "as of 2025-12-07 420 of 835 rows were known, the last of 2025-12-07",
    ],
    "02_drift": [
        "835 printed rates on 57 of the 536 days from 2024-09-08 to 2026-02-25",
        "other digits, and yet no proven change: KGS/USD, KZT/USD",
        "78 % of all printed percentages are 0% or -0%",
        "0% beside UZS: the base lies up to 62.5 % to either side of the rate",
        "so the rate may have risen to 2.7 times the base or fallen by 38 %",
        "KZT/USD -0% 0 2.63 0% -2.66 2.66 TJS/USD -0% 0 0.05",
        "rose fell unproved change_text -0% 0 33 66 0% 24 18 204",
        "KGS/USD 0 89 KZT/USD 38 51 TJS/USD 70 19 TMT/USD 29 60 UZS/USD 0 89",
        "KZT: 38 of 89 looks prove a change since the day before; percentages printed beside these: -0%, 0%",
        "as the site rounds: -0.28 %; as it is: -0.30 %",
        "147 of 150 pairs' days have a base that fits all their percentages",
        "rates seen the day before 1 9 5 2 0 3 3 0 2",
        "0 of 835 percentages in the history are inconsistent",
        "38 % of the looks show the peg; 47 show another value than the look before; 3 days have several values",
        "18954 TJS, between 18905 and 19003",
        "25000000 UZS, between 23470588 and 26733334",
        "StaleRate: timesca last showed KZT/TJS at 2026-02-25 12:00 UTC",
    ],
    "03_operations": [
        "100 % of 167 polls are ok; on 57 of 536 days somebody looked (11 %)",
        "ok 113 stale 36 missed 8 blocked 8 timeout 2 damaged 1",
        "168 planned, 160 taken, 113 sound (67 %); each slot once: True",
        "745 ticks are 30 runs",
        "745 ticks, 505 of them from a page that was dated the same day",
        "20 times two days in a row were looked at; on 1 of them a whole ticker was shown on both",
        "when nothing it prints has changed for more than 7 days",
    ],
}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_runs_and_prints_what_its_prose_says(name, polled_history_store, monkeypatch):
    monkeypatch.setenv("FXTICKER_STORE__PATH", str(polled_history_store))
    outputs = _outputs(_executed(name))
    printed = " ".join(" ".join(_text(output) for output in outputs).split())
    assert [text for text in PRINTED[name] if text not in printed] == []
    assert sum("image/png" in output.get("data", {}) for output in outputs) == PICTURES[name]
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
