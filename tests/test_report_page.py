"""The monthly report with its charts, as Chromium shows and prints it, as axe judges it, and byte by byte."""

import re
import sys
from datetime import UTC, date, datetime, timedelta
from subprocess import run

import pytest
from browser import CHROMIUM
from builders import capture_ticks, tick
from page_in_browser import AXE, PHONE_PX, SHEET_PX, axe_findings, wide_boxes
from rate_ticks import official

import fxticker as fx
from fxticker.model.records import Outcome, Poll, TimeBasis
from fxticker.store.store import Store

pytestmark = pytest.mark.slow
in_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
in_axe = pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: `make node`")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The packaged history beside an official rate and a peg, and polls of which some failed."""
    folder = tmp_path_factory.mktemp("report") / "parquet"
    days = [datetime(2025, 12, day, tzinfo=UTC) for day in range(5, 23)]
    dated = {"source": "cbu", "time_basis": TimeBasis.DATE}
    official = [
        tick("USD/UZS", f"{12000 + 7 * place}.25", None, day, source_date=day.date(), **dated)
        for place, day in enumerate(days)
    ]
    store = Store(folder)
    store.append([*capture_ticks(), *official])
    outcomes = [Outcome.OK, Outcome.TIMEOUT, Outcome.OK, Outcome.MISSED]
    store.record([Poll("timesca", day + n * timedelta(hours=6), outcomes[n]) for day in days for n in range(4)])
    return folder


@pytest.fixture(scope="module")
def page(root):
    return fx.monthly_report(root, "2025-12")


def test_charts_have_a_name_for_each_theme_and_ids_of_their_own(page):
    charts = re.findall(r'<svg[^>]*role="img"[^>]*>', page)
    assert [re.search('class="([a-z ]+)"', chart)[1] for chart in charts] == ["light chart", "dark chart"] * 5
    assert all(len(re.search('aria-label="([^"]*)"', chart)[1]) > 20 for chart in charts)
    assert len(re.findall("<figcaption>", page)) == 5
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len({*ids})
    assert {*re.findall(r'(?:url\(|href=")#([^")]+)', page)} <= {*ids}
    assert re.findall(r"<script|<style[^>]*>(?!\n?:root)|@import|url\((?!#)|\ssrc=", page) == []


def test_same_store_and_command_give_the_same_bytes(root, tmp_path, page):
    command = [sys.executable, "-m", "fxticker", "report", "--month", "2025-12", "--store", str(root), "-o"]
    pages = []
    for seed, zone in (("1", "UTC"), ("2", "Asia/Tashkent")):
        file = tmp_path / f"{seed}.html"
        run([*command, str(file)], check=True, env={"PYTHONHASHSEED": seed, "TZ": zone, "HOME": str(tmp_path)})
        pages.append(file.read_bytes())
    assert pages[0] == pages[1] == page.encode("utf-8")


@in_chromium
@in_axe
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_no_violation(page, tmp_path, colours):
    found = axe_findings(page, tmp_path, dark=colours == "dark")
    assert (found["colours"], found["violations"]) == (colours, [])
    assert found["passes"] > 30


@in_chromium
@in_axe
def test_axe_would_find_a_violation(page, tmp_path):
    pale = page.replace("--soft: #595959", "--soft: #c0c0c0").replace('<html lang="en">', "<html>")
    assert {rule for rule, _ in axe_findings(pale, tmp_path)["violations"]} >= {"color-contrast", "html-has-lang"}


@in_chromium
@pytest.mark.parametrize(("width", "is_print"), [(SHEET_PX, True), (PHONE_PX, False)], ids=["sheet", "phone"])
def test_nothing_is_wider_than_a_sheet_or_a_phone(page, tmp_path, width, is_print):
    assert wide_boxes(page, tmp_path, width, is_print=is_print) == {"width": width, "wide": []}


@in_chromium
def test_a_wider_element_would_be_found(page, tmp_path):
    wide = page.replace("<footer>", '<footer><p style="width: 900px">wide</p>')
    assert wide_boxes(wide, tmp_path, SHEET_PX, is_print=True)["wide"] == ["p: wide"]


def test_charts_of_a_month_know_the_levels_of_before_it(tmp_path):
    store = Store(tmp_path / "parquet")
    levels = {datetime(2025, 11, 29, 12, tzinfo=UTC): "0.28490", datetime(2025, 11, 30, 12, tzinfo=UTC): "0.28571"}
    month = {datetime(2025, 12, 1, 12, tzinfo=UTC): "0.28571", datetime(2025, 12, 2, 12, tzinfo=UTC): "0.28490"}
    store.append([tick("TMT/USD", text, "0%", at) for at, text in (levels | month).items()])
    store.append([official("USD/TMT", "3.5", "cbr", date(2025, 12, 1))])
    page = fx.monthly_report(store, "2025-12")
    assert page.count("Diamond: peg hop, back to a level that was shown before.") == 3  # history, path and comparison
