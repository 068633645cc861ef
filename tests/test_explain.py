"""Where a rate comes from, down to the printed text."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from builders import FixedClock, tick
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from laws import law
from rate_ticks import AT, DAY, PAIRS, PEG, official, printed_paths

import fxticker as fx
from fxticker.analysis.explain import explain
from fxticker.cli import app
from fxticker.model.records import Evidence, Origin, Outcome, Poll, PrintedTick, Retraction, TimeBasis
from fxticker.simulation.site import render_html
from fxticker.sources.timesca.page import SOURCE
from fxticker.store.store import Store

GOLDEN = Path(__file__).parent / "payloads"
SLOT = datetime(2026, 4, 1, 11, 45, tzinfo=UTC)
SHOWN = SLOT + timedelta(seconds=2)
TICKER = (
    ("KGS/USD", "0.01144", "0%"),
    ("KZT/USD", "0.00209", "0%"),
    ("TJS/USD", "0.10840", "0.37%"),
    ("UZS/USD", "0.00008", "-0%"),
    ("TMT/USD", "0.28490", "-0.28%"),
)
PAGE = render_html([PrintedTick(*printed) for printed in TICKER], date(2026, 4, 1)).encode()
PIECE = Evidence("text/html", "utf-8", PAGE)


@pytest.fixture
def audited(tmp_path):
    """A store with a poll of the ticker, its kept page, and the rates of two banks."""
    store = Store(tmp_path / "parquet", clock=FixedClock(SLOT + timedelta(seconds=3)))
    sha256 = store.keep_evidence("timesca", SHOWN, PIECE)
    day = date(2026, 4, 1)
    store.append([tick(*printed, SHOWN, source_date=day, evidence=sha256) for printed in TICKER])
    store.append([PEG, official("USD/UZS", "12194.21", "cbu"), official("KZT/RUB", "16.7095", "cbr", nominal=100)])
    store.append([official("USD/KZT", "478.77", "nbk", date(2026, 3, 31)), official("USD/RUB", "80.1000", "cbr")])
    page = {"http_status": 200, "source_date": day, "body_sha256": 64 * "a", "parser_version": 1}
    store.record([Poll("timesca", SLOT, Outcome.OK, SLOT, 2001, 5, **page)])
    return store


def golden(name):
    return (GOLDEN / name).read_text("utf-8").replace("{version}", str(SOURCE.parser_version))


def explained(store, *arguments):
    given = ["explain", *arguments, "--at", "2026-04-01T12:00Z", "--store", store.backend]
    result = CliRunner().invoke(app, [str(each) for each in given])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("explain.txt", ("KZT/UZS",)),
        ("explain_ticker.txt", ("TMT",)),
        ("explain_ticker.json", ("TMT", "--format", "json")),
        ("explain_ticker.csv", ("TMT", "--format", "csv")),
    ],
)
def test_explanation_is_that_of_the_file(audited, name, arguments):
    assert explained(audited, *arguments) == golden(name)


def test_kept_piece_that_reads_otherwise_or_is_damaged_fails_its_check(audited):
    later = SHOWN + timedelta(seconds=1)
    audited.append([tick("KGS/USD", "0.01145", "0%", later, evidence=audited.keep_evidence("timesca", later, PIECE))])
    check = explain(audited, "KGS", at="2026-04-01T12:00Z").printed[0].checks[-1]
    assert (check.passed, check.detail) == (False, f"0.01144 by parser version {SOURCE.parser_version}")
    [file] = Path(str(audited.backend), "evidence").rglob("*.gz")
    file.write_bytes(b"no gzip")
    check = explain(audited, "KGS", at="2026-04-01T12:00Z").printed[0].checks[-1]
    assert check.passed is False
    assert file.name in check.detail
    file.unlink()
    check = explain(audited, "KGS", at="2026-04-01T12:00Z").printed[0].checks[-1]
    assert (check.passed, check.detail) == (None, "the piece is not in this store")


def test_percentage_that_no_rate_gives_and_anomalies_of_a_poll_are_named(audited):
    slot = SLOT + timedelta(minutes=15)
    audited.append([tick("KZT/USD", "0.00209", "0.01%", slot)])
    audited.record([Poll("timesca", slot, Outcome.OK, slot, 900, 1, detail="KZT/USD 0.01% is inconsistent")])
    [printed] = explain(audited, "KZT", at="2026-04-01T12:00Z", order="ticker").printed
    assert [(check.passed, check.detail) for check in printed.checks[1:4]] == [
        (False, "0.01%"),
        (True, None),
        (False, "KZT/USD 0.01% is inconsistent"),
    ]


def test_row_that_was_retracted_counts_only_as_of_before(audited):
    audited.append([tick("KZT/USD", "0.00210", "0%", SHOWN)])
    audited.retract([Retraction("timesca", "KZT/USD", SHOWN, "0.00210", "0%", 2, "reparse: 0.00209 0%")])
    now = explain(audited, "KZT", at="2026-04-01T12:00Z", order="ticker")
    assert [each.row["rate_text"] for each in now.printed] == ["0.00209"]


def test_rate_of_a_bank_is_explained_by_the_poll_that_observed_it_last(audited):
    for number, minute in enumerate((0, 6)):
        slot = SLOT + timedelta(minutes=minute)
        live = {"time_basis": TimeBasis.CLOCK, "origin": Origin.LIVE, "source_date": date(2026, 4, 1)}
        row = tick("USD/KGS", "87.4500", None, slot + timedelta(seconds=1), source="nbkr", **live)
        audited.append([row])
        page = {"http_status": 200, "body_sha256": 64 * str(number), "parser_version": 1}
        audited.record([Poll("nbkr", slot, Outcome.OK, slot, 1500, 1, **page)])
    [printed] = explain(audited, "KGS", at="2026-04-01T11:30Z").printed  # in force since the day began
    assert printed.row["observed_at"] == SLOT + timedelta(minutes=6, seconds=1)
    assert printed.poll["body_sha256"] == 64 * "1"
    assert printed.file == "ticks/source=nbkr/month=2026-04/00000.parquet"


def test_several_values_of_a_date_are_all_named(tmp_path):
    store = Store(tmp_path / "parquet")
    day = datetime(2026, 4, 1, tzinfo=UTC)
    dated = {"time_basis": TimeBasis.DATE, "origin": Origin.PAGE}
    store.append([tick("KZT/USD", text, "0%", day, **dated) for text in ("0.00209", "0.00210")])
    found = explain(store, "KZT", at="2026-04-01")
    assert (found.rate["rate_lo"], found.rate["rate_hi"]) == (0.002085, 0.002105)
    assert [each.row["rate_text"] for each in found.printed] == ["0.00209", "0.00210"]


def in_usd(printed):
    """The interval that the printed text of a stored row allows, as USD per unit, by its definition."""
    text, nominal = printed.row["rate_text"], printed.row["nominal"]
    half = Fraction(1, 2 * 10 ** len(text.partition(".")[2]))
    lo, hi = ((Fraction(text) + side * half) / nominal for side in (-1, 1))
    return (lo, hi) if printed.row["pair"].endswith("/USD") else (1 / hi, 1 / lo)


@law(20)
@given(
    printed_paths(), st.sampled_from([*PAIRS, "USD/KZT"]), st.sampled_from(["official", "ticker"]), st.integers(0, 5)
)
def test_rate_follows_from_the_texts_that_its_explanation_names(drawn, pair, order, days):
    ticks, truths = drawn
    at = AT + days * DAY
    with TemporaryDirectory() as folder:
        store = Store(folder)
        store.append(ticks)
        found, stated = explain(store, pair, at=at, order=order), fx.rate(store, pair, at=at, order=order).iloc[0]
    bounds = [in_usd(printed) for printed in found.printed]
    true = [
        truths[printed.row["source"], f"{name}/USD", at.date()]
        for printed, name in zip(found.printed, pair.replace("USD", "").strip("/").split("/"), strict=True)
    ]
    (lo, hi), value = bounds[0], true[0]
    if len(bounds) > 1:
        lo, hi, value = lo / bounds[1][1], hi / bounds[1][0], value / true[1]
    if pair.startswith("USD/"):
        lo, hi, value = 1 / hi, 1 / lo, 1 / value
    assert (found.rate["rate_lo"], found.rate["rate_hi"]) == pytest.approx((float(lo), float(hi)), rel=1e-12)
    assert lo <= value <= hi
    assert found.rate["source"] == stated["source"]
    assert sum(not other["agrees"] for other in found.others) == stated["contradictions"]
    assert all(check.passed is not False for printed in found.printed for check in printed.checks)


def test_pair_without_a_rate_has_no_explanation(audited):
    with pytest.raises(fx.NoData, match=r"no source has a rate of KZT/USD .* limit 7 d"):
        explain(audited, "KZT", at="2026-04-20")
