"""The command line as a user meets it: what it prints, where, and its exit codes."""

import json
import sys
from subprocess import run

import pytest
from builders import NOON, snapshot_ticks

import fxticker as fx
from fxticker.demo.captures import read_captures
from fxticker.demo.site import TickerSite, render_html, render_text
from fxticker.store import Store


def fxticker(*arguments, cwd, stdin=None):
    return run(
        [sys.executable, "-m", "fxticker", *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def page():
    capture = read_captures()[0]
    return render_text(capture.ticks, capture.page_date)


def test_no_command_shows_the_help(tmp_path):
    shown = fxticker(cwd=tmp_path)
    assert "Usage: fxticker" in shown.stdout + shown.stderr
    assert shown.returncode == 2


def test_latest_prints_the_texts_as_printed(history_store, tmp_path):
    shown = fxticker("latest", "--store", history_store, "--format", "csv", cwd=tmp_path)
    assert shown.returncode == 0
    assert shown.stdout.splitlines()[:3] == [
        "source,pair,rate_text,change_text,source_date,observed_at,time_basis,origin",
        "timesca,KGS/USD,0.01144,0%,2026-02-25,2026-02-25T12:00:00Z,clock,live",
        "timesca,KZT/USD,0.00200,0%,2026-02-25,2026-02-25T12:00:00Z,clock,live",
    ]


def test_table_shows_rates_as_rates_are_written(history_store, tmp_path):
    shown = fxticker("drift", "--store", history_store, "--start", "2024-09-08", "--end", "2026-02-25", cwd=tmp_path)
    [uzs] = [line.split() for line in shown.stdout.splitlines() if "UZS/USD" in line]
    assert uzs == ["UZS/USD", "0.00008", "0.00008", "0.0", "-11.8", "to", "13.3", "no"]
    [kzt] = [line.split() for line in shown.stdout.splitlines() if "KZT/USD" in line]
    assert kzt[1:3] == ["0.00209", "0.00200"]
    assert max(map(len, shown.stdout.splitlines())) <= 80


def test_json_is_one_document_with_full_figures_and_nulls(history_store, tmp_path):
    shown = fxticker(
        *["drift", "--store", history_store, "--start", "2024-01-01", "--end", "2024-09-13", "--format", "json"],
        cwd=tmp_path,
    )
    assert shown.returncode == 1
    assert "no pair has a tick" in shown.stderr
    shown = fxticker(
        *["drift", "--store", history_store, "--start", "2024-09-08", "--end", "2024-09-13", "--format", "json"],
        cwd=tmp_path,
    )
    rows = {row["pair"]: row for row in json.loads(shown.stdout)}
    assert rows["KGS/USD"]["rate_start"] == 0.01188
    assert rows["KGS/USD"]["start_at"] == "2024-09-08T00:00:00Z"
    assert rows["UZS/USD"]["significant"] is False


def test_history_filters_by_pair_and_span(history_store, tmp_path):
    shown = fxticker(
        *["history", "--store", history_store, "--pair", "KZT/USD", "--start", "2026-02-25", "--format", "csv"],
        cwd=tmp_path,
    )
    assert shown.stdout.splitlines()[1:] == [
        "2026-02-25T00:00:00Z,timesca,KZT/USD,0.00200,0%,0.001995,0.002005,2026-02-25,live",
        "2026-02-25T12:00:00Z,timesca,KZT/USD,0.00200,0%,0.001995,0.002005,2026-02-25,live",
    ]


def test_missing_store_is_named_in_one_line(tmp_path):
    shown = fxticker("latest", "--store", tmp_path / "nowhere", cwd=tmp_path)
    assert shown.returncode == 1
    assert shown.stderr == f"fxticker: {tmp_path}/nowhere: there is no store here (no such folder)\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["latest", "--format", "xml"],
        ["drift", "--start", "yesterday", "--end", "2025-11-14"],
        ["drift", "--start", "2025-11-13"],
        ["plot", "history", "-o", "chart.jpg"],
        ["export", "ticks.xlsx"],
        ["import", "page.txt", "--observed-at", "noon"],
        ["import", "page.txt", "--source", "nobody"],
        ["nonsense"],
    ],
)
def test_wrong_usage_exits_with_2(arguments, tmp_path):
    (tmp_path / "page.txt").write_text("page")
    shown = fxticker(*arguments, cwd=tmp_path)
    assert shown.returncode == 2
    assert "Traceback" not in shown.stderr


def test_every_configuration_problem_is_a_line(tmp_path):
    (tmp_path / "config.toml").write_text('[store]\npth = "x"\n[http]\ntimeout_s = "soon"\n')
    shown = fxticker("latest", cwd=tmp_path)
    assert shown.returncode == 1
    assert shown.stderr.splitlines() == [
        "fxticker: config.toml: store.pth: unknown key; allowed are path",
        (
            "fxticker: config.toml: http.timeout_s: Input should be a valid number, unable to parse string as a number "
            "(given: 'soon')"
        ),
    ]


def test_import_sums_up_and_names_what_it_refused(tmp_path, page):
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "good.txt").write_text(page)
    (pages / "good.html").write_text(render_html(read_captures()[1].ticks, read_captures()[1].page_date))
    (pages / "bad.txt").write_text("no ticker here")
    (pages / "undated.txt").write_text(render_text(read_captures()[0].ticks, None))
    shown = fxticker("import", pages, "--store", "store", cwd=tmp_path)
    assert shown.returncode == 1
    assert shown.stdout == "4 files: 10 rows added, 0 already there, 2 files refused\n"
    refused = shown.stderr.splitlines()
    assert [line.partition(": the page")[0] for line in refused] == [
        f"fxticker: refused {pages}/bad.txt",
        f"fxticker: refused {pages}/undated.txt",
    ]
    again = fxticker("import", pages / "good.txt", "--store", "store", cwd=tmp_path)
    assert again.stdout == "1 files: 0 rows added, 5 already there, 0 files refused\n"
    assert again.returncode == 0


def test_import_reads_standard_input(tmp_path, page):
    shown = fxticker("import", "-", "--store", "store", "--observed-at", "2024-09-08T10:00Z", cwd=tmp_path, stdin=page)
    assert shown.stdout == "1 files: 5 rows added, 0 already there, 0 files refused\n"
    assert fx.load(tmp_path / "store")["time_basis"].astype(str).unique().tolist() == ["capture"]


def test_import_of_a_missing_file_is_a_named_failure(tmp_path):
    shown = fxticker("import", "nothing-*.html", "--store", "store", cwd=tmp_path)
    assert shown.returncode == 1
    assert shown.stderr == "fxticker: nothing-*.html: no such file or folder, and no file matches it\n"


def test_snapshot_polls_once_and_reports(tmp_path):
    capture = read_captures()[0]
    with TickerSite() as site:
        site.show(capture.ticks, capture.page_date)
        (tmp_path / "config.toml").write_text(f'[sources.timesca]\nurl = "{site.url}"\n')
        shown = fxticker("snapshot", cwd=tmp_path)
    assert shown.returncode == 0
    assert " stale: 5 ticks, " in shown.stdout
    assert len(fx.load(tmp_path / "parquet")) == 5
    assert list(fx.load_polls(tmp_path / "parquet")["outcome"]) == ["stale"]


def test_snapshot_that_gets_no_ticks_exits_with_1(tmp_path):
    with TickerSite() as site:
        url = site.url
    (tmp_path / "config.toml").write_text(f'[http]\ntimeout_s = 0.5\n[sources.timesca]\nurl = "{url}"\n')
    shown = fxticker("snapshot", cwd=tmp_path)
    assert shown.returncode == 1
    assert shown.stdout == ""
    assert list(fx.load_polls(tmp_path / "parquet")["outcome"]) in (["unreachable"], ["timeout"])


def test_status_tells_a_store_that_is_not_fed(history_store, tmp_path):
    shown = fxticker("status", "--store", history_store, "--format", "json", cwd=tmp_path)
    assert shown.returncode == 1
    [row] = json.loads(shown.stdout)
    assert row["well"] is False
    assert row["last_slot"] is None


def test_check_names_a_damaged_file(tmp_path):
    Store(tmp_path / "store").append(snapshot_ticks(NOON))
    assert fxticker("check", "--store", "store", cwd=tmp_path).stdout == "files read: 1, all sound\n"
    [segment] = (tmp_path / "store").rglob("*.parquet")
    segment.write_bytes(segment.read_bytes()[:-10])
    shown = fxticker("check", "--store", "store", cwd=tmp_path)
    assert shown.returncode == 1
    assert "ticks/source=timesca/month=2025-11/00000.parquet: cannot be read" in shown.stderr
    assert "check --quarantine" in shown.stderr


def test_check_moves_a_damaged_file_aside_and_says_what_is_lost(tmp_path):
    Store(tmp_path / "store").append(snapshot_ticks(NOON))
    [segment] = (tmp_path / "store").rglob("*.parquet")
    content = segment.read_bytes()
    segment.write_bytes(content[:40] + bytes([content[40] ^ 255]) + content[41:])
    shown = fxticker("check", "--quarantine", "--store", "store", cwd=tmp_path)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout == (
        "moved ticks/source=timesca/month=2025-11/00000.parquet"
        " to quarantine/ticks/source=timesca/month=2025-11/00000.parquet; lost: 5 rows of"
        " KGS/USD, KZT/USD, TJS/USD, TMT/USD, UZS/USD from 2025-11-14T12:00:00+00:00 to 2025-11-14T12:00:00+00:00\n"
        "files read: 0, all sound; in quarantine: 1\n"
    )


@pytest.mark.parametrize("name", ["ticks.csv", "ticks.json", "ticks.parquet"])
def test_export_writes_all_rows(history_store, tmp_path, name):
    shown = fxticker("export", name, "--store", history_store, "--pair", "TMT/USD", cwd=tmp_path)
    assert shown.stdout == f"{name}: 167 rows\n"
    assert (tmp_path / name).stat().st_size > 0


def test_plots_are_written(history_store, tmp_path):
    assert fxticker("plot", "history", "-o", "h.svg", "--store", history_store, cwd=tmp_path).returncode == 0
    drift = ["plot", "drift", "-o", "d.pdf", "--start", "2024-09-08", "--end", "2026-02-25"]
    assert fxticker(*drift, "--store", history_store, cwd=tmp_path).returncode == 0
    assert (tmp_path / "h.svg").read_bytes().startswith(b"<?xml")
    assert (tmp_path / "d.pdf").read_bytes().startswith(b"%PDF")


def test_demo_replaces_its_own_folder_only(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    shown = fxticker("demo", "-o", "mine", cwd=tmp_path)
    assert shown.returncode == 1
    assert "is not an earlier demonstration's" in shown.stderr
    assert (tmp_path / "mine" / "file").exists()
