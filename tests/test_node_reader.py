"""The store as hyparquet reads it under Node: all rows and columns, without a plug-in. `make node` installs it."""

import json
import re
import shutil
from datetime import timedelta
from pathlib import Path
from subprocess import run

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import NOON, FixedClock, snapshot_ticks

from fxticker.model.records import Outcome, Poll, Retraction
from fxticker.store.rewrite import rewrite
from fxticker.store.store import Store

FOLDER = Path(__file__).parent / "node"
OLD = Path(__file__).parent / "payloads" / "store_0.1.0"
NODE = shutil.which("node")

pytestmark = [
    pytest.mark.skipif(NODE is None, reason="Node is not installed"),
    pytest.mark.skipif(not (FOLDER / "node_modules").is_dir(), reason="hyparquet is not installed: `make node`"),
]


def segments(root, table="*"):
    return sorted(root.glob(f"{table}/source=*/month=*/*.parquet"))


def node(*arguments):
    return run([NODE, *arguments], cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False)


def read_by_hyparquet(root, *options, table="*"):
    done = node("read_store.mjs", *options, *segments(root, table))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def read_by_arrow(root, table="*"):
    return [[as_json(row) for row in plain(path).to_pylist()] for path in segments(root, table)]


def plain(path):
    """A file's rows with instants and dates as numbers."""
    table = pq.read_table(path, partitioning=None)
    numbers = {"timestamp": pa.int64(), "date32": pa.int32()}
    fields = [field.with_type(numbers.get(str(field.type).partition("[")[0], field.type)) for field in table.schema]
    return table.cast(pa.schema(fields))


def as_json(row):
    """As `read_store.mjs` prints a row: what is an instant or a date is a text."""
    return {
        name: str(value) if value is not None and (name.endswith(("_at", "_date")) or name == "slot") else value
        for name, value in row.items()
    }


@pytest.fixture
def stored(root):
    """A store with an open and a sealed segment of ticks and of polls, nulls in both, and retractions."""
    store = Store(root, clock=FixedClock(), segment_rows=5)
    store.append(snapshot_ticks(NOON, evidence="ab" * 32))
    store.append(snapshot_ticks(NOON + timedelta(minutes=1, microseconds=7))[:3])
    slots = [NOON + number * timedelta(minutes=1) for number in range(7)]
    store.record([Poll("timesca", slot, Outcome.MISSED) for slot in slots[:4]])
    store.record([Poll("timesca", slot, Outcome.OK, ticks=5, body_sha256="cd" * 32) for slot in slots[4:]])
    tick = snapshot_ticks()[0]
    store.retract([Retraction("timesca", tick.pair, NOON, tick.rate_text, tick.change_text, 2, "misread")])
    return root


def test_every_row_of_every_table_is_read_without_a_plug_in(stored):
    tables = read_by_hyparquet(stored)

    assert [len(rows) for rows in tables] == [5, 2, 1, 5, 3]
    assert tables == read_by_arrow(stored)


def test_store_of_an_earlier_version_needs_the_plug_in_until_it_is_rewritten(root):
    shutil.copytree(OLD, root)
    refused = node("read_store.mjs", *segments(root))
    assert (refused.returncode, "LZ4_RAW" in refused.stderr) == (1, True)
    assert read_by_hyparquet(root, "--compressors", table="ticks") == read_by_arrow(root, "ticks")
    # The plug-in cannot decode the LZ4 of no bytes, which a column of nulls has: `detail` of these polls.
    assert "lz4 offset out of range" in node("read_store.mjs", "--compressors", *segments(root, "polls")).stderr

    assert len([*rewrite(Store(root))]) == 3

    assert read_by_hyparquet(root) == read_by_arrow(root)


def test_example_of_the_page_prints_the_rows_of_a_file(stored):
    page = (FOLDER.parent.parent / "docs" / "readers" / "javascript.md").read_text("utf-8")
    [example] = re.findall(r"^```javascript\n(.*?)^```", page, re.MULTILINE | re.DOTALL)

    done = node("--input-type=module", "-e", example.replace('"parquet/', f'"{stored}/'))

    assert done.stdout.startswith("5 {"), done.stderr
    assert "rate_text: '0.01144'" in done.stdout
