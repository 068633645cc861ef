"""All contenders of the benchmarks must give the same rows; no test measures time."""

import json
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from subprocess import run

import numpy as np
import pyarrow.parquet as pq
import pytest

import fxticker as fx

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))  # the benchmarks are no part of the package

from benchmarks import codecs, growth_curve, measurements, synthetic  # noqa: E402
from benchmarks.answers import Answer, expected, middle_month  # noqa: E402
from benchmarks.contenders import CONTENDERS  # noqa: E402
from benchmarks.drawing import draw  # noqa: E402
from benchmarks.report import render  # noqa: E402
from benchmarks.tasks import archive_import, segment_growth, storing  # noqa: E402

ROWS = 1_000
# DuckDB 2.0 uses what pandas 3.1 is about to drop
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame.drop is deprecated")
STORING = [entry for entry in CONTENDERS.values() if entry.reads is None]
READERS = [entry for entry in CONTENDERS.values() if entry.reads is not None]


def _skip_unless_installed(entry):
    for package in entry.packages:
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")


def _assert_all_loads_agree(entry, folder, data):
    table = synthetic.read(data)
    month = middle_month(table)
    loads = storing.load(entry.name, str(folder), month, 1, all_rows=True, warm=True)
    truth = expected(table, month)
    assert truth["load_all"].rows == ROWS
    if entry.name == "fxticker, to Arrow":
        assert loads.pop("latest") is None
        del truth["latest"]
    assert {
        name: Answer(**measured["answer"]).agrees(truth[name]) for name, measured in loads.items()
    } == dict.fromkeys(truth, True)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "data.arrow"
    synthetic.write(path, synthetic.history(ROWS))
    return path


@pytest.fixture(scope="module")
def filled_store(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("filled") / "store"
    storing.fill("fxticker", str(folder), str(data))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("entry", STORING, ids=lambda entry: entry.name)
def test_contender_loads_all_rows_and_keeps_appended_ones(entry, data, tmp_path):
    _skip_unless_installed(entry)
    folder = tmp_path / "stored"
    filled = storing.fill(entry.name, str(folder), str(data))
    assert filled["bytes"] > 0
    if entry.returns:
        _assert_all_loads_agree(entry, folder, data)
    appended = storing.append(entry.name, str(folder), first=0, count=2, warm=False, verify=True)
    assert appended["rows_of_pair"] in {None, ROWS // 5 + 2}


@pytest.mark.slow
@pytest.mark.parametrize("entry", READERS, ids=lambda entry: entry.name)
def test_reader_of_the_store_loads_all_rows(entry, data, filled_store):
    _skip_unless_installed(entry)
    _assert_all_loads_agree(entry, filled_store, data)


def test_synthetic_ticks_are_deterministic_and_formatted_as_real_ones():
    table = synthetic.history(ROWS)
    assert table.equals(synthetic.history(ROWS))
    assert table.schema.equals(synthetic.SCHEMA)
    first = table.slice(0, 5).to_pylist()
    assert [row["pair"] for row in first] == ["KGS/USD", "KZT/USD", "TJS/USD", "TMT/USD", "UZS/USD"]
    assert all(f"{row['rate']:.5f}" == row["rate_text"] for row in first)
    assert all(150_000 <= row["observed_at"].microsecond < 900_000 for row in first)


def test_segment_that_grows_until_sealed_is_one_file(tmp_path):
    growth = segment_growth.run(str(tmp_path), segment_rows=200)
    assert [rows for rows, _ in growth["points"]] == [100]
    assert len(list((tmp_path / "fxticker" / "ticks").rglob("*.parquet"))) == 1


def _worker(task, **arguments):
    command = [sys.executable, "-m", "benchmarks.worker", task, json.dumps(arguments)]
    done = run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_page_has_its_size_and_is_parsed():
    read = _worker("page_reading:run", reader="fxticker.parse", seconds=0.01)
    assert 149_000 < read["page_bytes"] < 152_000
    assert [pair for pair, _, _ in read["answer"]] == ["KGS/USD", "KZT/USD", "TJS/USD", "UZS/USD", "TMT/USD"]


def test_archive_has_pages_of_its_size_and_all_are_imported(tmp_path):
    path, folder = str(tmp_path / "pages.warc.gz"), str(tmp_path / "store")
    sizes = archive_import.write(path, 4)
    assert 149_000 < sizes["page_bytes"] < 152_000
    assert 24_000 < sizes["packed_bytes"] < 30_000
    done = _worker("archive_import:run", way="1", path=path, folder=folder)
    assert (done["pages"], done["rows"]) == (4, 20)


def test_archive_is_in_the_report():
    results = json.loads((ROOT / "benchmarks" / "results" / "results.json").read_text())
    ways = {"parser": [3_853.1, 3_856.2], "1": [1_025.1], "2": []}
    archive = {"pages": 10_000, "page_bytes": 150_808, "packed_bytes": 27_539, "ways": ways}
    text = render({**results, "archive": archive})
    assert "10,000 captures in a WARC file, pages of 150,808 bytes that pack to 27,539." in text
    assert "| import, one core | 1,025 | 1,025 |" in text
    assert "two processes" not in text


def test_committed_page_is_rendered_from_the_committed_results():
    results = ROOT / "benchmarks" / "results"
    if not results.exists():
        pytest.skip("nothing was measured yet")
    assert (results / "README.md").read_text() == render(json.loads((results / "results.json").read_text()))


def test_committed_results_can_be_drawn():
    drawn = draw(json.loads((ROOT / "benchmarks" / "results" / "results.json").read_text()))
    assert sorted(drawn) == ["comparison", "growth"]
    assert all(figure.axes for figure in drawn.values())


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").rglob("*.py")), ids=str)
def test_every_module_of_the_benchmarks_can_be_imported(path):
    if path.stem not in {"__init__", "__main__"} and "contenders" not in path.parts:
        import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


def test_documentation_quotes_the_committed_results():
    results = json.loads((ROOT / "benchmarks" / "results" / "results.json").read_text())
    rows = measurements.sizes(results)[-1]
    ours, theirs = (measurements.load_ms(results, rows, name, "load_all") for name in ("fxticker", "ArcticDB, LMDB"))
    [pages] = [read["pages_per_s"] for read in results["pages"] if read["reader"] == "fxticker.parse"]
    text = (ROOT / "docs" / "benchmarks.md").read_text("utf-8")
    assert f"| load all rows | | ArcticDB {theirs / ours:.1f} of our time" in text
    assert f"{round(median(pages), -1):,.0f} pages a second" in text


def test_codecs_are_measured_and_the_stores_own_is_in_force_again(capsys, store, root):
    codecs.main(30 * 86_400, rounds=1)

    printed = capsys.readouterr().out
    assert [line.partition(" |")[0] for line in printed.splitlines() if "|" in line][:2] == ["append", "load all"]
    assert "lz4: ticks 10 files" in printed
    store.append([codecs.tick_of(row) for row in synthetic.snapshots(0, 1)[0]])
    [file] = root.glob("ticks/*/*/*")
    assert pq.read_metadata(file).row_group(0).column(0).compression == "SNAPPY"


def test_growth_curve_fills_the_rows_that_it_names_without_gap_or_overlap():
    for name, rows in (("years", 300_000), ("second", 10_000)):
        shape = growth_curve.shape_of(name, rows)
        parts = list(growth_curve.parts_of(shape, rows))
        slots_s = np.concatenate([part["observed_at"].to_numpy().astype("M8[s]").astype(int) for part in parts])
        polls = slots_s[:: len(shape.market.pairs)]
        assert len(slots_s) == rows
        assert (np.diff(polls) == shape.step_s).all()
        assert polls[-1] == shape.end_s - shape.step_s


@pytest.mark.slow
def test_growth_curve_appends_polls_after_the_last_and_loads_a_month(tmp_path):
    growth_curve.filled(str(tmp_path), "years", 1_000)
    for job in (growth_curve.cost_of_appends, growth_curve.cost_of_latest, growth_curve.cost_of_load):
        cost = job(str(tmp_path), "years", 1_000)
        assert 0 < cost.least_ms <= cost.median_ms
    assert growth_curve.size_of(tmp_path)[0] == 1
    assert len(fx.load(tmp_path)) == 1_000 + 5 * (growth_curve.REPEATS + 1)
