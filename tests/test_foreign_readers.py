"""Other programs that read a store while it is written, on a SeaweedFS and in a folder: see foreign_readers.py."""

import re
import shutil
import sys
import uuid
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from builders import NOON, snapshot_ticks
from foreign_readers import PYTHON, READERS, plan_table, planned
from object_servers import BUCKET, KEY, SECRET, environment, program
from one_foreign_reader import THREE, Judge
from processes import run
from test_serve import serving

from fxticker.store.store import Store

PROGRAM = Path(__file__).with_name("foreign_readers.py")
PAGE = PROGRAM.parent.parent / "docs" / "object-storage.md"
BY_HTTP = """
import json, sys, urllib.request
from pathlib import Path
import duckdb, duckdb_extension_httpfs, pandas as pd
url, sql = sys.argv[1:]
(extension,) = Path(duckdb_extension_httpfs.__file__).parent.rglob("httpfs.duckdb_extension")
connection = duckdb.connect()
connection.execute(f"LOAD '{extension}'")
print(len(connection.execute(sql.replace("http://127.0.0.1:8080/", url)).df()))
files = json.load(urllib.request.urlopen(f"{url}parquet/manifest.json"))["files"]
print(sum(len(pd.read_parquet(f"{url}parquet/{each['file']}")) for each in files if each["file"].startswith("ticks/")))
"""


@pytest.fixture
def _programs():
    if not PYTHON.exists():
        pytest.skip(f"{PYTHON.parent.parent.name} is not installed: `make readers`")


def test_judge_of_reads_finds_what_is_lost_doubled_mixed_or_was_not_sent():
    plan = plan_table(list(planned(1)))
    judge, rows = Judge(plan), plan.drop_columns(["number", "month"])

    def faults(table, month=None, columns=None, acknowledged=200, sent=201):
        return judge.faults(judge.plain(table, columns), month, acknowledged, sent)

    assert (
        faults(rows.slice(0, 1000))
        == faults(rows.slice(0, 1005))
        == faults(rows.slice(0, 1000), columns=[*THREE])
        == []
    )
    assert faults(rows.slice(0, 850), "2025-02") == []
    assert faults(rows.slice(1, 999)) == faults(rows.slice(0, 849), "2025-02") == ["lost rows"]
    assert faults(pa.concat_tables([rows.slice(0, 1000), rows.slice(7, 1)])) == ["doubled rows"]
    assert faults(rows.slice(0, 1006)) == ["rows that were not sent"]
    assert faults(rows.slice(0, 851), "2025-02") == ["rows of another month"]
    mixed = rows.slice(0, 1000).set_column(3, "rate", rows["rate"].slice(5, 1000))
    assert rows.column_names[3] == "rate"
    assert faults(mixed) == faults(mixed, columns=[*THREE]) == ["another rate"]


def lines_of(*options):
    done = run([sys.executable, PROGRAM, *options])
    assert done.returncode == 0, done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if not line.startswith(" ")]


@pytest.mark.slow
@pytest.mark.usefixtures("_programs")
def test_every_read_of_object_storage_beside_a_writer_is_right_or_a_loud_error():
    program("weed")

    *readers, verdict = lines_of("--reads=240", "--seed=1")

    assert [line.partition(":")[0] for line in readers] == [*READERS]
    assert verdict.startswith("OK: 240 reads beside ")
    assert "fxticker: all: " in readers[0]
    assert " 0 error, 0 wrong; over: " in readers[0]


@pytest.mark.slow
@pytest.mark.usefixtures("_programs")
def test_every_read_of_a_folder_by_spark_beside_a_writer_is_right_or_a_loud_error():
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")

    *readers, verdict = lines_of("--reads=20", "--seed=1", "--pause=0.5", "--local", "--readers", "spark")

    assert [line.partition(":")[0] for line in readers] == ["spark"]
    assert verdict.startswith("OK: 20 reads beside ")


@pytest.mark.slow
@pytest.mark.usefixtures("_programs")
def test_program_that_cannot_list_reads_what_the_manifest_names(seaweedfs_endpoint, tmp_path, monkeypatch):
    for name, value in environment(seaweedfs_endpoint).items():
        monkeypatch.setenv(name, value)
    location = f"s3://{BUCKET}/{uuid.uuid4()}"
    store = Store(location, segment_rows=10)
    for day in range(0, 60, 12):
        store.append(snapshot_ticks(NOON + timedelta(days=day)))
    (sql,) = re.findall(r"^```sql\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)

    with serving(location, tmp_path) as (_, url):
        done = run([PYTHON, "-c", BY_HTTP, url, sql])

    assert (done.stdout.split(), done.returncode) == (["25", "25"], 0), done.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("_programs")
def test_duckdb_reads_without_downloading_httpfs(seaweedfs_endpoint, tmp_path, monkeypatch):
    for name, value in {**environment(seaweedfs_endpoint), "HOME": str(tmp_path)}.items():  # extensions lie in HOME
        monkeypatch.setenv(name, value)
    location = f"s3://{BUCKET}/{uuid.uuid4()}"
    Store(location).append(snapshot_ticks())
    names = {"'try'": f"'{KEY}'", "'secret'": f"'{SECRET}'", "127.0.0.1:8333": seaweedfs_endpoint.partition("//")[2]}
    blocks = re.findall(r"^```py\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    for shown, value in {**names, "s3://rates/kyrgyz": location}.items():
        blocks = [block.replace(shown, value) for block in blocks]

    results = [run([PYTHON, "-c", block]) for block in blocks]

    assert [(done.stdout, done.returncode) for done in results] == [("[(5,)]\n", 0)] * 2, results
