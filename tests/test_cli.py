"""The command line as a user meets it: what it prints, where, and its exit codes."""

import json
import os
import re
import signal
import sys
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from subprocess import PIPE, CompletedProcess, Popen

import click
import pytest
from builders import NOON, cases, snapshot_ticks, tick
from click.testing import CliRunner
from processes import run

import fxticker as fx
from fxticker.cli import app, main
from fxticker.cli.commands import COMMANDS
from fxticker.config import Settings
from fxticker.model.records import Origin, Outcome, Poll, TimeBasis
from fxticker.simulation.captures import read_captures
from fxticker.simulation.site import TickerSite, render_html, render_text
from fxticker.store.store import Store

CASES = cases("cli")
QUARTER = timedelta(minutes=15)


@pytest.fixture
def process(tmp_path):
    """Run a command line in a process in the test's folder; texts are split into words."""

    def run_line(*texts, **options):
        command = [sys.executable, "-m", "fxticker", *words_of(texts)]
        return run(command, cwd=tmp_path, timeout_s=60, **options)

    return run_line


@pytest.fixture
def fxticker(tmp_path, monkeypatch):
    """Run a command line in the test's folder as a process would, without its start; texts are split into words."""
    monkeypatch.chdir(tmp_path)

    def run_line(*texts, input=None):  # noqa: A002  as subprocess.run names it
        monkeypatch.setattr(sys, "argv", ["fxticker", *words_of(texts)])
        interrupt, hook = signal.getsignal(signal.SIGINT), sys.unraisablehook
        try:
            with CliRunner().isolation(input=input) as (stdout, stderr, _):
                try:
                    main()
                    code = 0
                except SystemExit as exit_:
                    code = exit_.code
                sys.stdout.flush()
                sys.stderr.flush()
                texts = [stream.getvalue().decode() for stream in (stdout, stderr)]
        finally:
            signal.signal(signal.SIGINT, interrupt)
            sys.unraisablehook = hook
        return CompletedProcess(texts, code or 0, *texts)

    return run_line


def words_of(texts):
    return [str(word) for text in texts for word in (text.split() if isinstance(text, str) else [text])]


@pytest.fixture
def on_history(fxticker, history_store):
    """Run a command line on the store of the packaged history."""
    return lambda *texts: fxticker(*texts, "--store", history_store)


@pytest.fixture
def page():
    capture = read_captures()[0]
    return render_text(capture.ticks, capture.page_date)


def test_no_command_shows_the_help(fxticker):
    shown = fxticker()
    usage, groups = (shown.stdout + shown.stderr).split("\nRun:\n")
    assert usage.startswith("Usage: fxticker")
    assert "..." not in groups  # no description is cut short
    assert shown.returncode == 2


def test_latest_prints_the_texts_as_printed(on_history):
    shown = on_history("latest --format csv --max-age any")
    assert shown.returncode == 0
    lines = [re.sub(r",\d+\.\d+,False,,", ",AGE,False,,", line) for line in shown.stdout.splitlines()]
    assert lines[:3] == [
        "source,pair,rate_text,change_text,source_date,observed_at,time_basis,origin,nominal,age_h,stale,reason,rate",
        "timesca,KGS/USD,0.01144,0%,2026-02-25,2026-02-25T12:00:00Z,clock,live,1,AGE,False,,0.01144",
        "timesca,KZT/USD,0.00200,0%,2026-02-25,2026-02-25T12:00:00Z,clock,live,1,AGE,False,,0.002",
    ]


@pytest.mark.parametrize(
    "command",
    ["history --pair KZT", "quotes --pair KZT/UZS", "changes", "resample", "export x.csv", "plot history -o x.png"],
)
def test_span_without_ticks_names_the_nearest_ones(on_history, command):
    shown = on_history(f"{command} --start 2025-07 --end 2025-08")
    assert shown.returncode == 1
    assert shown.stderr.endswith("; the nearest ticks are of 2025-05-25 00:00 and 2025-11-06 00:00 UTC\n")


@pytest.mark.parametrize(
    ("span", "nearest"),
    [("--end 2020", "; the nearest tick is of 2024-09-08 00:00 UTC"), ("--end 2020 --source nbk", "")],
)
def test_only_ticks_that_there_are_are_named_as_nearest(on_history, span, nearest):
    shown = on_history(f"history {span}")
    assert (shown.returncode, shown.stderr) == (1, f"fxticker: no stored tick matches{nearest}\n")


def test_instant_at_which_a_span_ends_is_said_not_to_be_included(on_history):
    shown = on_history("history --start 2026-02-25T12:00Z --end 2026-02-25T12:00Z")
    nearest = "the nearest ticks are of 2026-02-25 00:00 and 2026-02-25 12:00 UTC; the instant of --end is not included"
    assert shown.stderr == f"fxticker: no stored tick matches; {nearest}\n"


@pytest.mark.parametrize("command", ["drift --max-age any --start 2025-11-13", "history --start 2026-02-25"])
def test_period_that_the_present_cuts_is_said_to_be_cut(on_history, command):
    assert re.fullmatch(
        r"fxticker: --end 2999 is later than now: cut at 20[0-9-]{8} [0-9:]{5} UTC",
        on_history(f"{command} --end 2999").stderr.splitlines()[0],
    )
    assert "cut" not in on_history(f"{command} --end today").stderr


@pytest.mark.parametrize(
    "command", ["convert abc KZT USD", "convert 0 KZT USD", "rate KZT --order none", "peg --pair KZT"]
)
def test_argument_that_means_nothing_is_wrong_usage(on_history, command):
    assert on_history(command).returncode == 2


def test_lack_of_another_kind_names_no_nearest_ticks(on_history):
    assert "nearest" not in on_history("compare --start 2025-11 --end 2025-12").stderr


def test_table_prints_rates_in_plain_decimals(on_history):
    shown = on_history("drift --start 2024-09-08 --end 2026-02-25")
    [uzs] = [line.split() for line in shown.stdout.splitlines() if "UZS/USD" in line]
    assert uzs == ["UZS/USD", "0.00008", "0.00008", "0", "-12", "to", "14", "equal", "at", "both", "ends"]
    [kzt] = [line.split() for line in shown.stdout.splitlines() if "KZT/USD" in line]
    assert kzt[1:3] == ["0.00209", "0.00200"]
    assert max(map(len, shown.stdout.splitlines())) <= 80


def test_json_is_one_document_with_full_figures_and_nulls(on_history):
    shown = on_history("drift --start 2024-01-01 --end 2024-09-13 --format json")
    assert shown.returncode == 1
    assert "no pair has a tick" in shown.stderr
    shown = on_history("drift --start 2024-09-08 --end 2024-09-13 --format json")
    rows = {row["pair"]: row for row in json.loads(shown.stdout)}
    assert rows["KGS/USD"]["rate_start"] == 0.01188
    assert rows["KGS/USD"]["start_at"] == "2024-09-08T00:00:00Z"
    assert rows["UZS/USD"]["significant"] is False


def test_convert_prints_csv_with_a_row_for_each_tick(on_history):
    shown = on_history("convert 1500 KZT UZS --at 2026-02-25 --format csv")
    header, *rows = shown.stdout.splitlines()
    assert header == "amount,amount_lo,amount_hi,currency,at,age_s,kind,order,source,pair,rate_text,observed_at,nominal"
    order = ',market,"official, ticker, peg",timesca'
    assert all(
        f"{order},{pair}," in row for row, pair in zip(rows, ("KZT/USD,0.00200", "UZS/USD,0.00008"), strict=True)
    )


def test_missing_drift_has_no_verdict(on_history):
    shown = on_history("drift-by-period --start 2024-09-08 --end 2024-09-14 --every day --format json")
    rows = json.loads(shown.stdout)
    assert {row["significant"] for row in rows if row["drift_pct"] is not None} <= {True, False}
    blank = [row for row in rows if row["drift_pct"] is None]
    assert blank
    assert {row["significant"] for row in blank} == {None}


def test_watch_reads_once_an_interval_and_ends_with_130(on_history, monkeypatch):
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("fxticker.cli.watch.sleep", sleep)
    shown = on_history("latest --watch --pair KZT")
    assert (shown.returncode, shown.stderr, slept) == (130, "", [10.0] * 3)
    assert shown.stdout.count("KZT/USD") == 3
    assert "\x1b" not in shown.stdout


def test_history_filters_by_pair_and_span(on_history):
    shown = on_history("history --pair KZT/USD --start 2026-02-25 --format csv")
    assert shown.stdout.splitlines()[1:] == [
        "2026-02-25T00:00:00Z,timesca,KZT/USD,0.00200,0%,0.001995,0.002005,2026-02-25,live,clock,1,0.002",
        "2026-02-25T12:00:00Z,timesca,KZT/USD,0.00200,0%,0.001995,0.002005,2026-02-25,live,clock,1,0.002",
    ]


def test_missing_store_is_named_in_one_line(fxticker, tmp_path):
    shown = fxticker("latest --store", tmp_path / "nowhere")
    assert shown.returncode == 1
    assert shown.stderr == f"fxticker: {tmp_path}/nowhere: there is no store here (no such folder)\n"


@pytest.mark.parametrize("arguments", CASES["wrong_usage_exits_with_2"])
def test_wrong_usage_exits_with_2(fxticker, arguments, tmp_path):
    (tmp_path / "page.txt").write_text("page")
    shown = fxticker(*arguments)
    assert shown.returncode == 2
    assert "Traceback" not in shown.stderr


def test_every_configuration_problem_is_a_line(fxticker, tmp_path):
    (tmp_path / "config.toml").write_text('[store]\npth = "x"\n[http]\ntimeout_s = "soon"\n')
    shown = fxticker("latest")
    assert shown.returncode == 1
    assert shown.stderr.splitlines() == [
        "fxticker: config.toml: store.pth: unknown key; allowed are path",
        "fxticker: config.toml: http.timeout_s: must be a number (given: 'soon')",
    ]


def test_import_prints_its_counts_and_names_refused_pages(fxticker, tmp_path, page):
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "good.txt").write_text(page)
    (pages / "good.html").write_text(render_html(read_captures()[1].ticks, read_captures()[1].page_date))
    (pages / "bad.txt").write_text("no ticker here")
    (pages / "undated.txt").write_text(render_text(read_captures()[0].ticks, None))
    shown = fxticker("import", pages, "--store store")
    assert shown.returncode == 1
    assert shown.stdout == "4 files: 10 rows added, 0 already there, 2 refused\n"
    refused = shown.stderr.splitlines()
    assert [line.partition(": the page")[0] for line in refused] == [
        f"fxticker: refused {pages}/bad.txt",
        f"fxticker: refused {pages}/undated.txt",
    ]
    again = fxticker("import", pages / "good.txt", "--store store")
    assert again.stdout == "1 files: 0 rows added, 5 already there, 0 refused\n"
    assert again.returncode == 0


def test_import_reads_standard_input(fxticker, tmp_path, page):
    shown = fxticker("import - --store store --observed-at 2024-09-08T10:00Z", input=page)
    assert shown.stdout == "1 files: 5 rows added, 0 already there, 0 refused\n"
    assert fx.load(tmp_path / "store")["time_basis"].astype(str).unique().tolist() == ["capture"]


def test_import_of_a_missing_file_is_a_named_failure(fxticker):
    shown = fxticker("import nothing-*.html --store store")
    assert shown.returncode == 1
    assert shown.stderr == "fxticker: nothing-*.html: no such file or folder, and no file matches it\n"


def test_snapshot_polls_once_and_reports(fxticker, tmp_path):
    capture = read_captures()[0]
    with TickerSite() as site:
        site.show(capture.ticks, capture.page_date)
        (tmp_path / "config.toml").write_text(f'[sources.timesca]\nurl = "{site.url}"\n')
        shown = fxticker("snapshot")
    assert shown.returncode == 0
    assert " stale: 5 ticks, " in shown.stdout
    assert len(fx.load(tmp_path / "parquet")) == 5
    assert list(fx.load_polls(tmp_path / "parquet")["outcome"]) == ["stale"]


def test_snapshot_that_gets_no_ticks_exits_with_1(fxticker, tmp_path):
    with TickerSite() as site:
        url = site.url
    (tmp_path / "config.toml").write_text(f'[http]\ntimeout_s = 0.5\n[sources.timesca]\nurl = "{url}"\n')
    shown = fxticker("snapshot")
    assert shown.returncode == 1
    assert shown.stdout == ""
    assert list(fx.load_polls(tmp_path / "parquet")["outcome"]) in (["unreachable"], ["timeout"])


def fed_store(folder, *outcomes):
    """A store whose last poll is of the slot before now, as the default configuration plans it."""
    store = Store(folder)
    [plan] = Settings().planned()
    last = plan.schedule.at_or_before(datetime.now(UTC))
    slots = [last - QUARTER * n for n in range(len(outcomes))][::-1]
    store.record(
        Poll("timesca", slot, outcome, ticks=5, detail=None if outcome == "ok" else "no whole answer")
        for slot, outcome in zip(slots, outcomes, strict=True)
    )
    store.append([*snapshot_ticks(last - QUARTER), *snapshot_ticks(last)])
    store.append([tick("KZT/USD", "0.00190", observed_at=last - 2 * QUARTER)])
    return store, last


def iso(instant):
    return instant.isoformat().replace("+00:00", "Z")


def test_status_names_no_slot_that_is_skipped_as_the_next_one(fxticker, tmp_path):
    store, last = fed_store(tmp_path / "store", Outcome.OK)
    resumed = last + 4 * QUARTER
    detail = f"4 failures in a row, the last timeout: no request until {resumed:%Y-%m-%dT%H:%M:%SZ}; no answer"
    store.record([Poll("timesca", last - timedelta(seconds=1), Outcome.TIMEOUT, detail=detail)])
    assert json.loads(fxticker("status --store store --format json").stdout)["sources"][0]["next_slot"] != iso(resumed)
    store.record([Poll("timesca", last + timedelta(seconds=1), Outcome.TIMEOUT, detail=detail)])
    assert json.loads(fxticker("status --store store --format json").stdout)["sources"][0]["next_slot"] == iso(resumed)


def test_status_of_a_healthy_source_exits_with_0(fxticker, tmp_path):
    _, last = fed_store(tmp_path / "store", Outcome.OK, Outcome.TIMEOUT, Outcome.OK)
    shown = fxticker("status --store store --format json")
    assert (shown.returncode, shown.stderr) == (0, "")
    found = json.loads(shown.stdout)
    assert found["well"] is True
    [source] = found["sources"]
    pairs = source.pop("pairs")
    del source["changes_since"]
    # the slot after the last, unless that came while this test ran
    assert source.pop("next_slot") in (iso(last + QUARTER), iso(last + 2 * QUARTER))
    assert source == {
        "source": "timesca",
        "well": True,
        "reason": None,
        "since": None,
        "last_slot": iso(last),
        "last_outcome": "ok",
        "last_detail": None,
        "last_ok": iso(last),
        "outcomes_24h": {"ok": 2, "timeout": 1},
        "gaps_24h": 1,
    }
    assert pairs[1] == {
        "pair": "KZT/USD",
        "rate_text": "0.00191",
        "nominal": 1,
        "seen_at": iso(last),
        "changed_at": iso(last - QUARTER),
        "first_at": iso(last - 2 * QUARTER),
    }
    assert (pairs[2]["changed_at"], pairs[2]["first_at"]) == (None, iso(last - QUARTER))
    store = found["store"]
    assert (store["path"], store["daemon"]) == ("store", None)
    assert store["size_bytes"] == sum(path.stat().st_size for path in tmp_path.rglob("*.parquet"))
    assert store["free_bytes"] > 0
    assert store["last_writer"].startswith("process ")


def test_status_is_plain_text_on_a_terminal(fxticker, tmp_path):
    _, last = fed_store(tmp_path / "store", Outcome.OK, Outcome.TIMEOUT)
    shown = fxticker("status --store store")
    assert shown.returncode == 0
    lines = shown.stdout.splitlines()
    assert lines[0] == "timesca: healthy"
    assert lines[1].endswith(" timeout (no whole answer)")
    assert lines[3] == "  last 24 h  ok 1, timeout 1; gaps: 1"
    assert lines[6].startswith("  KZT/USD    0.00191 at ")
    # a store of two polls says nothing of the time before them
    assert lines[7].endswith(f"; rate and percentage the same at least since {last - QUARTER:%Y-%m-%d %H:%M:%S}")
    assert "store: store" in lines


@pytest.mark.parametrize(
    ("outcomes", "reason"),
    [
        ([Outcome.OK, *[Outcome.TIMEOUT] * 4], "no successful poll since "),
        ([Outcome.TIMEOUT], "no recent successful poll"),
        ([Outcome.OK, Outcome.STALE], "the page prints an old date"),
    ],
)
def test_status_of_an_unhealthy_source_exits_with_1(fxticker, tmp_path, outcomes, reason):
    fed_store(tmp_path / "store", *outcomes)
    shown = fxticker("status --store store")
    assert (shown.returncode, shown.stderr) == (1, "")
    assert shown.stdout.startswith(f"timesca: not healthy: {reason}")
    rows = fxticker("status --store store --format csv").stdout.splitlines()
    assert rows[0].startswith("source,well,reason,since,last_slot,")
    assert rows[1].startswith(f"timesca,False,{reason}")


def test_status_reports_a_store_without_polls(on_history):
    shown = on_history("status --format json")
    assert shown.returncode == 1
    found = json.loads(shown.stdout)
    assert found["well"] is False
    assert found["sources"][0]["last_slot"] is None


def test_status_does_not_wait_for_writers_and_names_the_daemon(fxticker, tmp_path):
    store, _ = fed_store(tmp_path / "store", Outcome.OK)
    with store.daemon_lock(), store.backend.write_lock(1):
        shown = fxticker("status --store store --format json")
    assert shown.returncode == 0
    assert json.loads(shown.stdout)["store"]["daemon"].startswith(f"process {os.getpid()} ")


def test_status_without_a_store_is_one_named_line(fxticker):
    shown = fxticker("status --store nowhere")
    assert (shown.returncode, shown.stdout) == (1, "")
    assert shown.stderr == "fxticker: nowhere: there is no store here (no such folder)\n"


@pytest.mark.parametrize("command", ["status", "polls"])
def test_status_and_polls_import_no_pandas(tmp_path, command):
    fed_store(tmp_path / "store", Outcome.OK)
    arguments = [command, "--store", str(tmp_path / "store")]
    code = (
        f"import sys\nfrom fxticker.cli import app\ntry: app({arguments!r})\nexcept SystemExit: pass\n"
        "print([name for name in ('pandas', 'matplotlib', 'httpx', 'apscheduler') if name in sys.modules])"
    )
    shown = run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert shown.stdout.splitlines()[-1] == "[]"


def test_gaps_of_a_store_without_polls_says_that_nothing_is_known(fxticker, tmp_path):
    Store(tmp_path / "parquet").append(snapshot_ticks())
    shown = fxticker("gaps", "--store", str(tmp_path / "parquet"))
    assert shown.returncode == 0
    assert shown.stderr.startswith("fxticker: no poll is on record, as imported ticks have none")


def test_gaps_prints_stretches_with_their_reasons(fxticker, tmp_path):
    _, last = fed_store(tmp_path / "store", Outcome.OK, Outcome.MISSED, Outcome.MISSED, Outcome.OK)
    shown = fxticker("gaps --store store --format json")
    assert json.loads(shown.stdout) == [
        {
            "source": "timesca",
            "start_at": iso(last - 2 * QUARTER),
            "end_at": iso(last),
            "slots": 2,
            "why": "missed x 2",
        }
    ]


def test_polls_prints_the_newest_last_and_reports_the_limit(fxticker, tmp_path):
    store = Store(tmp_path / "store")
    store.record(Poll("timesca", NOON + QUARTER * n, Outcome.OK, ticks=5) for n in range(60))
    shown = fxticker("polls --store store --limit 50 --format csv")
    header, *rows = shown.stdout.splitlines()
    assert header == (
        "slot,source,outcome,ticks,duration_ms,http_status,attempts,detail,"
        "started_at,source_date,body_sha256,body_bytes,parser_version,recorded_at"
    )
    assert (len(rows), rows[0].rpartition(",")[0], rows[-1].rpartition(",")[0]) == (
        50,
        "2025-11-14T14:30:00Z,timesca,ok,5,,,0,,,,,,",
        "2025-11-15T02:45:00Z,timesca,ok,5,,,0,,,,,,",
    )
    assert shown.stderr == "fxticker: there are more before these 50; --all prints them, --limit sets how many\n"
    shown = fxticker("polls --store store --limit 60 --format json")
    assert (len(json.loads(shown.stdout)), shown.stderr) == (60, "")


def test_polls_filters_by_source_span_and_outcome(fxticker, tmp_path):
    store, _ = fed_store(tmp_path / "store", Outcome.OK)
    outcomes = [Outcome.TIMEOUT, Outcome.OK, Outcome.DAMAGED, Outcome.MISSED, Outcome.TIMEOUT]
    store.record(Poll("timesca", NOON + QUARTER * n, outcome) for n, outcome in enumerate(outcomes))
    store.record([Poll("another", NOON + QUARTER, Outcome.TIMEOUT)])
    chosen = "--source timesca --outcome timeout --outcome damaged --start 2025-11-14 --end 2025-11-14T13:00Z"
    shown = fxticker("polls --store store --format json", chosen)
    assert [(row["slot"], row["outcome"]) for row in json.loads(shown.stdout)] == [
        ("2025-11-14T12:00:00Z", "timeout"),
        ("2025-11-14T12:30:00Z", "damaged"),
    ]
    shown = fxticker("polls --store store --outcome blocked")
    assert (shown.returncode, shown.stderr) == (1, "fxticker: no poll on record matches\n")


def test_check_names_a_damaged_file(fxticker, tmp_path):
    Store(tmp_path / "store").append(snapshot_ticks(NOON))
    assert fxticker("check --store store").stdout == "files read: 1, no damage\n"
    [segment] = (tmp_path / "store").rglob("*.parquet")
    segment.write_bytes(segment.read_bytes()[:-10])
    shown = fxticker("check --store store")
    assert shown.returncode == 1
    assert "ticks/source=timesca/month=2025-11/00000.parquet: cannot be read" in shown.stderr
    assert "check --quarantine" in shown.stderr


def test_check_quarantines_a_damaged_file_and_reports_lost_rows(fxticker, tmp_path):
    Store(tmp_path / "store").append(snapshot_ticks(NOON))
    [segment] = (tmp_path / "store").rglob("*.parquet")
    content = segment.read_bytes()
    segment.write_bytes(content[:40] + bytes([content[40] ^ 255]) + content[41:])
    shown = fxticker("check --quarantine --store store")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout == (
        "moved ticks/source=timesca/month=2025-11/00000.parquet"
        " to quarantine/ticks/source=timesca/month=2025-11/00000.parquet; lost: 5 rows of"
        " KGS/USD, KZT/USD, TJS/USD, TMT/USD, UZS/USD from 2025-11-14T12:00:00+00:00 to 2025-11-14T12:00:00+00:00\n"
        "files read: 0, no damage; in quarantine: 1\n"
    )


@pytest.mark.parametrize("name", ["ticks.csv", "ticks.json", "ticks.parquet"])
def test_export_writes_all_rows(on_history, tmp_path, name):
    shown = on_history("export", name, "--pair TMT/USD")
    assert shown.stdout == f"{name}: 167 rows\n"
    assert (tmp_path / name).stat().st_size > 0


def test_plots_are_written(on_history, tmp_path):
    assert on_history("plot history -o h.svg").returncode == 0
    assert on_history("plot drift -o d.pdf --start 2024-09-08 --end 2026-02-25").returncode == 0
    assert (tmp_path / "h.svg").read_bytes().startswith(b"<?xml")
    assert (tmp_path / "d.pdf").read_bytes().startswith(b"%PDF")


def test_charts_are_drawn_inverse_and_in_the_dark_theme(on_history, tmp_path):
    charts = {
        "path.svg": "path --pair KZT/USD --inverse",
        "heatmap.png": "heatmap --every week --theme dark --max-age any",
        "history.svg": "history --pair KZT/USD --inverse --theme dark",
    }
    for file, chart in charts.items():
        shown = on_history("plot", chart, "-o", file)
        assert (shown.returncode, shown.stdout, shown.stderr) == (0, f"{file}\n", "")
    assert ">USD/KZT +4.5 %</text>" in (tmp_path / "path.svg").read_text()
    assert ">KZT per USD</text>" in (tmp_path / "history.svg").read_text()
    assert "fill: #14181d" in (tmp_path / "history.svg").read_text()
    assert (tmp_path / "heatmap.png").read_bytes().startswith(b"\x89PNG")


def test_coverage_is_drawn_from_recorded_polls(fxticker, tmp_path):
    store = Store(tmp_path / "store")
    store.record(Poll("timesca", NOON + QUARTER * n, Outcome.OK, ticks=5) for n in range(3))
    shown = fxticker("plot coverage -o c.svg --store store")
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, "c.svg\n", "")
    assert ">100 % of 3 polls succeeded, on 1 of 1 day</text>" in (tmp_path / "c.svg").read_text()


def test_comparison_with_the_official_rates_is_drawn(fxticker, tmp_path):
    bank = {"source": "nbt", "time_basis": TimeBasis.DATE, "origin": Origin.ARCHIVE, "source_date": NOON.date()}
    official = tick("USD/TJS", "9.2250", None, NOON.replace(hour=0), **bank)
    Store(tmp_path / "store").append([*snapshot_ticks(), official])
    shown = fxticker("plot compare -o c.svg --store store --theme dark")
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, "c.svg\n", "")
    said = (tmp_path / "c.svg").read_text()
    assert ">TJS/USD: nbt inside the ticker's band at 1 of 1 tick, 2025-11-14</text>" in said
    assert "fill: #14181d" in said
    shown = fxticker("plot compare -o n.svg --store store --source cbu")
    assert shown.returncode == 1
    none = "no official rate of these is stored: configure a bank, or backfill its past days"
    assert shown.stderr == f"fxticker: no day has both a tick of timesca and an official rate; {none}\n"


def test_demo_replaces_its_own_folder_only(fxticker, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    shown = fxticker("demo -o mine")
    assert shown.returncode == 1
    assert "is not an earlier demonstration's" in shown.stderr
    assert (tmp_path / "mine" / "file").exists()


@pytest.mark.parametrize("command", ["history", "quotes", "changes", "gaps", "export out.csv"])
def test_span_that_ends_before_it_begins_exits_with_2(on_history, command):
    shown = on_history(command, "--start 2026-02-02 --end 2026-02-01")
    assert shown.returncode == 2
    assert "before it begins" in shown.stderr


def test_printed_band_contains_the_exact_band(on_history):
    shown = on_history("drift --start 2025-11-13 --end 2025-12-14")
    [kzt] = [line.split() for line in shown.stdout.splitlines() if "KZT/USD" in line]
    assert kzt[4:] == ["0.0", "to", "1.1", "within", "rounding"]
    full = on_history("drift --start 2025-11-13 --end 2025-12-14 --format json")
    rows = {row["pair"]: row for row in json.loads(full.stdout)}
    assert rows["KZT/USD"]["drift_hi_pct"] <= 1.1


def test_exact_rate_is_printed_once(fxticker, tmp_path):
    store = Store(tmp_path / "store")
    since = datetime(2015, 1, 1, tzinfo=UTC)
    store.append([tick("USD/TMT", "3.5", None, since, source="tmt-peg", origin=Origin.CONSTANT)])
    shown = fxticker("best TMT/USD --store store")
    assert " 0.285714 " in shown.stdout
    assert " to " not in shown.stdout


# Interrupts, pipes, completion

INTERRUPTED = """
import os, runpy, signal, sys

class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)

module = sys.argv.pop(1)
sys.meta_path.insert(0, Interrupts())
runpy.run_module("fxticker", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    "module",
    ["click", "fxticker.errors", "fxticker.cli.store", "numpy", "numpy.linalg", "pyarrow.lib", "fxticker.store.store"],
)
def test_interrupt_while_modules_are_imported_ends_with_130(history_store, module):
    shown = run([sys.executable, "-c", INTERRUPTED, module, "latest", "--store", history_store])
    assert (shown.returncode, shown.stdout, shown.stderr) == (130, "", "")


SWALLOWED = """
import os, signal, sys, weakref
import fxticker.store.store

class Gone:
    pass

def interrupt(*_):
    os.kill(os.getpid(), signal.SIGINT)

def replaced(*_, **__):
    try:
        interrupt()
    except KeyboardInterrupt:
        raise ImportError("initialization failed") from None

def dropped(*_, **__):
    gone = Gone()
    weak = weakref.ref(gone, interrupt)
    del gone
    while True:
        pass

def ignored(*_, **__):
    try:
        interrupt()
    except KeyboardInterrupt:
        sys.exit(1)

fxticker.store.store.opened = globals()[sys.argv.pop(1)]
from fxticker.__main__ import main
main()
"""


@pytest.mark.parametrize("how", ["replaced", "dropped", "ignored"])
def test_interrupt_that_other_code_swallows_ends_with_130(history_store, how):
    shown = run([sys.executable, "-c", SWALLOWED, how, "latest", "--store", history_store], timeout_s=20)
    assert (shown.returncode, shown.stdout, shown.stderr) == (130, "", "")


@pytest.mark.parametrize(
    "command",
    [
        *("latest", "history", "export out.csv", "gaps", "polls", "coverage", "evidence --at 2026-02-01"),
        *("quotes", "changes", "plot history -o out.svg"),
    ],
)
def test_unknown_source_beside_a_known_one_exits_with_2(on_history, command):
    shown = on_history(command, "--source timesca --source nope")
    assert shown.returncode == 2
    assert "unknown source nope; known are cbr, cbu" in shown.stderr


@pytest.mark.parametrize("names", ["nope", "cbu", "timesca --source cbu", "timesca --source nope"])
def test_snapshot_of_a_source_that_is_not_enabled_exits_with_2(fxticker, names):
    shown = fxticker(f"snapshot --source {names} --store store")
    assert shown.returncode == 2
    assert f"not enabled is {names.split()[-1]}; known are timesca" in shown.stderr


FIRST_IMPORTS = """
import os, signal, sys

class Imports:
    def find_spec(self, name, path=None, target=None):
        print(name, flush=True)
        if name == "fxticker.cli":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Imports())
import fxticker.__main__
"""


def test_interrupts_are_handled_before_anything_else_is_imported():
    shown = run([sys.executable, "-c", FIRST_IMPORTS])
    assert (shown.returncode, shown.stderr) == (130, "")
    assert shown.stdout.split() == ["fxticker", "fxticker.__main__", "fxticker.cli"]


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_reader_that_goes_away_ends_the_command_with_0(history_store, form):
    command = [sys.executable, "-m", "fxticker", "quotes", "--store", str(history_store), "--format", form]
    with Popen(command, stdout=PIPE, stderr=PIPE) as process:
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("dri", ["drill", "drift", "drift-series", "drift-by-period"]),
        ("latest --source nbk", ["nbk", "nbkr"]),
        ("polls --outcome ti", ["timeout"]),
        ("backfill cb", ["cbr", "cbu"]),
        ("drill clock-b", ["clock-behind"]),
    ],
)
def test_shell_completion_names_commands_and_the_values_of_closed_lists(process, line, expected):
    words = {"COMP_WORDS": f"fxticker {line}", "COMP_CWORD": str(len(line.split()))}
    shown = process(env={**os.environ, "_FXTICKER_COMPLETE": "bash_complete", **words}, check=True)
    assert shown.stdout.split() == [f"plain,{value}" for value in expected]


def test_help_has_the_first_sentence_of_each_commands_own_help():
    context = click.Context(app)
    for group in COMMANDS.values():
        for name, (_, summary) in group.items():
            assert app.get_command(context, name).get_short_help_str(200) == summary


def test_help_imports_no_command():
    shown = run([sys.executable, "-X", "importtime", "-m", "fxticker", "--help"], timeout_s=60)
    assert "fxticker.cli.commands" in shown.stderr
    assert "fxticker.cli.options" not in shown.stderr


@pytest.mark.parametrize(
    ("line", "slow_to_import"),
    [
        ("--version", {"importlib.metadata"}),
        ("latest", {"pandas", "matplotlib", "httpx", "logging", "hashlib", "fractions", "bz2", "concurrent.futures"}),
    ],
)
def test_quick_commands_import_nothing_slow_that_they_do_not_need(history_store, line, slow_to_import):
    command = [sys.executable, "-X", "importtime", "-m", "fxticker", *line.split()]
    shown = run([*command, "--store", str(history_store)] if line == "latest" else command, timeout_s=60, check=True)
    imported = {entry.rpartition("|")[2].strip() for entry in shown.stderr.splitlines()}
    assert imported & {"fxticker.cli", *slow_to_import} == {"fxticker.cli"}


def test_version_is_that_of_the_installed_package():
    assert fx.__version__ == version("fxticker")


def test_variable_names_the_configuration_where_no_option_does(written, monkeypatch, tmp_path):
    written('[sources.timesca]\ncron = "1 1 1 1 *"\n')
    for name in "ab":
        (tmp_path / f"{name}.toml").write_text(f'[sources.timesca]\ncron = "{ord(name) % 60} 2 1 1 *"\n', "utf-8")
    monkeypatch.chdir(tmp_path)

    def times(variable, *words):
        monkeypatch.setenv("FXTICKER_CONFIG", variable)
        shown = CliRunner().invoke(app, ["run", "--plan", "--format", "csv", *words])
        return {line.partition("-01-01T")[2] for line in shown.stdout.splitlines()[1:]}

    assert times("a.toml") == {"02:37:00Z"}
    assert times("a.toml", "--config", "b.toml") == {"02:38:00Z"}
    assert times("") == {"01:01:00Z"}
    assert times("none.toml") == set()
