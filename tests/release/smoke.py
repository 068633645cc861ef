"""What an installed fxticker must do, run by the Python that has it, in an empty folder, with nothing of the tests.

Arguments: the folder of the documentation, and the extras that are installed. It runs the demonstration, every command
of the documentation that is marked as one that works offline, and what each extra is for; without a folder, with ``-``,
only the last, on the demonstration that is there.
"""

import contextlib
import gzip
import io
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("fxticker")
PAGES = ("commands.md", "export.md", "report.md", "page.md")
NEEDED = {"excel": re.compile(r"\.xlsx"), "web": re.compile(r"fxticker serve")}
"""By extra, the commands that need it."""


def main(docs, extras):
    """Run all of it; the first failure ends it."""
    if docs != "-":
        print(documented(Path(docs), extras))
    for extra in extras:
        TRIED[extra]()


def documented(docs, extras):
    """Run the demonstration and the commands of the pages; returns how many."""
    printed = call("demo")
    for chart in ("history", "drift", "compare"):
        assert Path(f"fxticker-demo/{chart}.png").read_bytes().startswith(b"\x89PNG"), chart
    assert "ok" in printed
    lines = [line for page in PAGES for line in examples((docs / page).read_text("utf-8"))]
    lines = list(dict.fromkeys(lines))
    for line in lines:
        missing = [extra for extra, pattern in NEEDED.items() if pattern.search(line) and extra not in extras]
        in_process(shlex.split(line)[1:], expected=1 if missing else 0, named=[f"fxticker[{each}]" for each in missing])
    return len(lines)


def examples(text):
    """The commands of a page that are marked to work offline, without what is done with their output."""
    for block in re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in re.findall(r"^\$ (fxticker .*)", block, re.MULTILINE):
            command = re.split(r" [|>#]", line)[0].strip()
            if command.split()[1] not in {"demo", "drill"}:
                yield command


def call(*words):
    """Run the program; return what it printed."""
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (words, done.stdout[-500:], done.stderr[-2000:])
    return done.stdout


def in_process(words, *, expected, named):
    """Run a command in this process, whose imports are done."""
    from fxticker.cli import main as run

    sys.argv[1:] = words
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            run()
        except SystemExit as end:
            code = end.code or 0
    assert code == expected, (words, code, err.getvalue()[-2000:])
    assert all(name in err.getvalue() for name in named), (words, err.getvalue())


def to_excel():
    """Export a workbook, which is a ZIP archive."""
    call("export", "extra.xlsx", "--store", "fxticker-demo/history")
    assert zipfile.is_zipfile("extra.xlsx")


def unpack():
    """Import a page that is packed with gzip."""
    import isal  # noqa: F401  what unpacks it

    Path("page.html.gz").write_bytes(gzip.compress(Path("fxticker-demo/page.html").read_bytes()))
    assert "1 files: 5 rows added" in call("import", "page.html.gz", "--store", "unpacked")
    shutil.rmtree("unpacked")


def read_on_cluster():
    """Import a WARC file on a cluster of one worker."""
    from distributed import LocalCluster
    from warcio.statusandheaders import StatusAndHeaders
    from warcio.warcwriter import WARCWriter

    page = Path("fxticker-demo/page.html").read_bytes()
    with Path("page.warc.gz").open("wb") as file:
        writer = WARCWriter(file)
        head = StatusAndHeaders("200 OK", [("Content-Type", "text/html; charset=utf-8")], protocol="HTTP/1.1")
        record = writer.create_warc_record(
            "https://timesca.com/", "response", payload=io.BytesIO(page), http_headers=head
        )
        writer.write_record(record)
    with LocalCluster(n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as cluster:
        printed = call("import", "page.warc.gz", "--scheduler", cluster.scheduler_address, "--store", "clustered")
    assert "1 pages read" in printed, printed
    assert "5 rows added" in printed, printed
    shutil.rmtree("clustered")


def ask_storage():
    """Ask an object storage where none listens: the client is there, and says so."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        own = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{closed.getsockname()[1]}", "AWS_REGION": "eu"}
        own |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
        command = [PROGRAM, "latest", "--store", "s3://bucket/parquet"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **own})
    assert done.returncode == 1
    assert done.stderr.startswith("fxticker: s3://bucket/parquet: cannot be read"), done.stderr


def serve():
    """Ask the HTTP API of the demonstration's store for the latest rates."""
    command = [
        PROGRAM,
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--store",
        "fxticker-demo/history",
        "--at",
        "2026-02-25T18:00Z",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            url = re.search(r"http://\S+/", server.stdout.readline())[0]
            with urllib.request.urlopen(f"{url}v1/latest?base=USD", timeout=20) as answer:
                assert set(json.load(answer)["rates"]) >= {"KGS", "KZT", "TJS", "UZS"}
        finally:
            begun_s = time.monotonic()
            server.terminate()
            assert server.wait(20) == 0
            assert time.monotonic() - begun_s < 10


def read_by_others():
    """Read the store with DuckDB and Polars, and count the same rows with both."""
    import duckdb
    import polars as pl

    files = "fxticker-demo/history/ticks/*/*/*.parquet"
    (rows,) = duckdb.sql(f"select count(*) from read_parquet('{files}', hive_partitioning = true)").fetchall()[0]
    assert pl.read_parquet(files, hive_partitioning=True).height == rows > 0


TRIED = {
    "archives": unpack,
    "distributed": read_on_cluster,
    "excel": to_excel,
    "readers": read_by_others,
    "s3": ask_storage,
    "web": serve,
}
"""By extra, what it is for."""

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
