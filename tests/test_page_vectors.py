"""Arithmetic of the page: the vectors that its script is tested with are what the functions give."""

import gzip
import json
import shutil
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from subprocess import run

import pandas as pd
import pytest

import fxticker as fx
from fxticker.frames.one_per_instant import one_per_instant
from fxticker.model.bands import Band, cross, drift_pct, inverse, rate_band
from fxticker.model.formatting import format_with_band

ROOT = Path(__file__).parent.parent
VECTORS = json.loads((Path(__file__).parent / "cases" / "page_vectors.json").read_text("utf-8"))
NODE = shutil.which("node")


def printed(rate):
    text, nominal, is_fixed = rate
    band = rate_band(text, nominal)
    return Band(band.middle, band.middle) if is_fixed else band


def stated(band, value, *, signed=False):
    written = format_with_band(float(value), float(band.lo), float(band.hi), signed=signed)
    return {"lo": str(band.lo), "hi": str(band.hi), "written": list(written)}


def of_inverse(vector):
    band = printed(vector["rate"])
    return stated(inverse(band), 1 / band.middle)


def of_cross(vector):
    base, quote = printed(vector["base"]), printed(vector["quote"])
    return stated(cross(base, quote), base.middle / quote.middle)


def of_drift(vector):
    start, end = printed(vector["start"]), printed(vector["end"])
    band = drift_pct(start, end)
    is_significant = band.lo > 0 or band.hi < 0
    return {**stated(band, 100 * (end.middle / start.middle - 1), signed=True), "significant": is_significant}


def of_convert(vector):
    (base, quote), (sold, bought) = vector["rates"], vector["currencies"]
    now = pd.Timestamp("2025-11-14T12:00Z")
    rows = pd.DataFrame(
        {
            "source": "timesca",
            "pair": [f"{sold}/USD", f"{bought}/USD"],
            "observed_at": now,
            "time_basis": "clock",
            "rate_text": [base, quote],
            "rate": [float(base), float(quote)],
            "nominal": 1,
            "origin": "live",
            "recorded_at": now,
        }
    )
    found = fx.convert(rows, vector["amount"], sold, bought, at="2025-11-14T12:00Z")
    facts = found.facts()
    return {
        "lo": str(found.amount_lo),
        "hi": str(found.amount_hi),
        "written": [facts[name] for name in ("amount", "amount_lo", "amount_hi")],
    }


def of_values(vector):
    rows = pd.DataFrame(vector["rows"])
    for name in ("observed_at", "recorded_at"):
        rows[name] = pd.to_datetime([datetime.fromtimestamp(each, UTC) for each in rows[name] // 1_000_000])
    rows = rows.assign(source="timesca", rate=[float(Fraction(each)) for each in rows["rate_text"]])
    found = one_per_instant(rows.sort_values("observed_at"))
    return {
        "at": [int(each.timestamp()) * 1_000_000 for each in found["observed_at"]],
        "lo": found["rate_lo"].tolist(),
        "hi": found["rate_hi"].tolist(),
        "text": [None if pd.isna(each) else each for each in found["rate_text"]],
    }


KINDS = {"inverse": of_inverse, "cross": of_cross, "drift": of_drift, "convert": of_convert, "values": of_values}


@pytest.mark.parametrize("kind", KINDS)
def test_vectors_are_what_the_functions_give(kind):
    vectors = VECTORS[kind]
    assert len(vectors) >= 3
    assert [vector["expected"] for vector in vectors] == [KINDS[kind](vector) for vector in vectors]


@pytest.mark.skipif(NODE is None, reason="Node is not installed")
@pytest.mark.skipif(not (ROOT / "page" / "node_modules").is_dir(), reason="esbuild is not installed: `make node`")
def test_built_page_is_that_of_the_source_and_small(tmp_path):
    run([NODE, "build.mjs", str(tmp_path)], cwd=ROOT / "page", check=True)

    assets = ROOT / "fxticker" / "page" / "assets"
    built = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert built == {path.name: path.read_bytes() for path in assets.iterdir()}
    assert len(gzip.compress(built["app.js"], 9)) < 60_000


@pytest.mark.skipif(NODE is None, reason="Node is not installed")
def test_script_of_the_page_gives_the_vectors():
    done = run(
        [NODE, "--test", "test/vectors.test.mjs"], cwd=ROOT / "page", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
