"""Processes that read WARC files: what is stored is the same, and one that dies or hangs is named and replaced."""

import gzip
import os
from dataclasses import replace
from pathlib import Path

import pytest
from archive_server import ArchivedPage, warc_record
from builders import PRINTED_TICKS
from click.testing import CliRunner
from dying_source import SOURCE

import fxticker as fx
from fxticker.backfill.page_files import find_pages
from fxticker.backfill.process_pool import ProcessPool
from fxticker.backfill.saved_pages import import_pages
from fxticker.backfill.stretch_chain import ReadersFailed
from fxticker.cli.import_files import import_
from fxticker.simulation.site import render_html
from fxticker.store.store import Store

PAGE = render_html(PRINTED_TICKS, None).encode()


def warc(path, *remarks, pages=4):
    """Write pages of 100 kB; among them one for each remark."""
    texts = [f"<p>{text}</p>" for text in [*remarks, *[""] * (pages - len(remarks))]]
    path.write_bytes(
        b"".join(
            gzip.compress(
                warc_record(
                    ArchivedPage(
                        f"202409{number + 1:02}120000",
                        f"https://timesca.com/{path.name}/{number}",
                        PAGE + text.encode() + os.urandom(50_000).hex().encode(),
                    )
                ),
                1,
            )
            for number, text in enumerate(texts)
        )
    )


@pytest.fixture
def pool_of(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))  # of the source
    monkeypatch.setenv("DIED", str(tmp_path / "died"))
    return ProcessPool


def bring_in(tmp_path, pool):
    store = Store(tmp_path / "parquet")
    with pool:
        summary = import_pages(find_pages([str(tmp_path / "crawl")]), source=SOURCE, store=store, pool=pool)
    assert fx.load(store).duplicated(["pair", "observed_at"]).sum() == 0
    return summary


@pytest.fixture
def crawl(tmp_path):
    (tmp_path / "crawl").mkdir()
    return tmp_path / "crawl"


def test_source_that_cannot_be_handed_to_other_processes_is_refused(tmp_path, crawl):
    warc(crawl / "a.warc.gz")
    source = replace(SOURCE, parse=lambda body, headers: None)
    with ProcessPool(1) as pool, pytest.raises(ReadersFailed, match="cannot be handed to other processes"):
        import_pages(find_pages([str(crawl)]), source=source, store=Store(tmp_path / "parquet"), pool=pool)


@pytest.mark.slow
def test_file_of_a_process_that_dies_is_resumed(tmp_path, crawl, pool_of):
    warc(crawl / "a.warc.gz", "", "DIE ONCE")
    died = []
    summary = bring_in(tmp_path, pool_of(2, died=died.append))
    assert (summary.captures, summary.added, summary.refused) == (4, 20, [])
    [line] = died
    assert line.startswith("process ")
    assert line.endswith("was killed by signal 9")
    assert f"which read {crawl / 'a.warc.gz'}, bytes 0 to " in line


@pytest.mark.slow
@pytest.mark.parametrize(
    ("remark", "timeout_s", "reason"),
    [("DIE ALWAYS", 60, "ended with exit code 3"), ("HANG", 10, "took more than 10 s and was ended")],
)
def test_part_of_a_file_that_ends_every_process_is_refused_by_name(tmp_path, crawl, pool_of, remark, timeout_s, reason):
    warc(crawl / "a.warc.gz", remark)
    warc(crawl / "b.warc.gz")
    summary = bring_in(tmp_path, pool_of(2, timeout_s=timeout_s))
    assert (summary.pages, summary.captures) == (2, 4)
    [(name, why)] = summary.refused
    assert name.startswith(f"{crawl / 'a.warc.gz'} at bytes 0 to ")
    assert reason in why


@pytest.mark.slow
def test_command_stores_the_same_with_processes_as_without(tmp_path, crawl, monkeypatch):
    (tmp_path / "pickle.py").write_text("raise SystemExit('a module of the present folder')")
    monkeypatch.chdir(tmp_path)
    for name in ("a.warc.gz", "b.warc.gz", "c.warc.gz"):
        warc(crawl / name)
    (crawl / "d.html").write_bytes(PAGE)
    frames, texts = [], []
    for number, options in enumerate(([], ["--processes", "2"])):
        arguments = [str(crawl), "--store", str(tmp_path / f"parquet{number}"), *options]
        shown = CliRunner().invoke(import_, arguments)
        texts.append((shown.exit_code, shown.output))
        frames.append(fx.load(tmp_path / f"parquet{number}").drop(columns="recorded_at"))
    assert texts[0] == texts[1]
    assert frames[0].equals(frames[1])
