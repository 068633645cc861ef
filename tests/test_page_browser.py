"""The page in headless Chromium: on published folders of a history, of gaps, of one tick, of nothing, and of a year."""

import json
import random
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import run

import pytest
from browser import CHROMIUM
from builders import FixedClock, capture_ticks, cases, snapshot_ticks, tick

import fxticker as fx
from fxticker.analysis.direction import in_one_direction
from fxticker.model.formatting import format_with_band
from fxticker.model.records import Outcome, Poll, Retraction
from fxticker.model.schedule import Every
from fxticker.page.publish import publish
from fxticker.simulation.official import official_ticks
from fxticker.store.store import Store

PAGE = Path(__file__).parent.parent / "page"
NODE = shutil.which("node")
AT = datetime(2026, 2, 25, 12, tzinfo=UTC)
QUARTER = timedelta(minutes=15)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NODE is None or CHROMIUM is None, reason="needs Node and Chromium"),
    pytest.mark.skipif(not (PAGE / "node_modules").is_dir(), reason="the page's tools are not installed: `make node`"),
]


def published_history(folder):
    store = Store(folder / "store", clock=FixedClock(AT))
    store.append(capture_ticks())
    store.append(official_ticks())
    publish(store, folder / "history", at=AT)
    return store


def published_gaps(folder):
    """Two hours of polls up to now, half of which failed; the last one noted an anomaly with markup in it."""
    now = datetime.now(UTC)
    slots = [now - number * QUARTER for number in range(8, 0, -1)]
    outcomes = [Outcome.OK, Outcome.TIMEOUT, Outcome.TIMEOUT, Outcome.OK, Outcome.MISSED, Outcome.MISSED]
    store = Store(folder / "store-gaps", clock=FixedClock(now))
    for slot, outcome in zip(slots, [*outcomes, Outcome.OK, Outcome.OK], strict=True):
        if outcome == Outcome.OK:
            store.append(snapshot_ticks(slot, source_date=slot.date()))
        facts = {"started_at": slot, "ticks": 5, "detail": "<img src=x onerror=alert(1)>"}
        store.record([Poll("timesca", slot, outcome, **(facts if outcome == Outcome.OK else {}))])
    publish(store, folder / "gaps", schedules={"timesca": Every(QUARTER)})


def published_retraction(folder):
    """Two values, one of which is retracted by the second run; the manifest of the first is kept beside."""
    store, site = Store(folder / "store-retracted", clock=FixedClock(AT)), folder / "retracted"
    instants = [AT - timedelta(hours=1), AT]
    store.append(
        [tick(rate_text=text, observed_at=at) for text, at in zip(("0.00191", "0.00192"), instants, strict=True)]
    )
    publish(store, site, at=AT)
    shutil.copy(site / "manifest.json", folder / "retracted-before.json")
    store.retract([Retraction("timesca", "KZT/USD", instants[0], "0.00191", "-0%", 2, "misread")])
    publish(store, site, at=AT)


def published_year(folder):
    """A year of polls every quarter of an hour, in which rates walk and one poll in a hundred fails."""
    chance, clock = random.Random(1), FixedClock()
    store = Store(folder / "store-year", clock=clock)
    steps = {"KGS/USD": 1144, "KZT/USD": 191, "TJS/USD": 10840, "UZS/USD": 8, "TMT/USD": 28571}
    slots = [datetime(2025, 3, 1, tzinfo=UTC) + number * QUARTER for number in range(365 * 96)]
    for start in range(0, len(slots), 1000):
        ticks, polls = [], []
        for slot in slots[start : start + 1000]:
            is_ok = chance.random() > 0.01
            polls.append(Poll("timesca", slot, Outcome.OK if is_ok else Outcome.TIMEOUT))
            for pair in steps if is_ok else ():
                steps[pair] += chance.choice([-1, 0, 0, 0, 1]) if pair != "UZS/USD" else 0
                ticks.append(tick(pair, f"{steps[pair] / 1e5:.5f}", "0%", slot, source_date=slot.date()))
        clock.at = slots[min(start + 1000, len(slots)) - 1]
        store.append(ticks)
        store.record(polls)
    publish(store, folder / "year", at=slots[-1])


def month_of_somoni(store):
    span = {"start": "2025-01-01", "end": "2025-01-31"}
    rows = fx.load(store, pairs=["TJS"], bands=True, **span)
    first, last = (
        f"{row.observed_at:%Y-%m-%d %H:%M} UTC: timesca {row.rate_text}, between {row.rate_lo} and {row.rate_hi}"
        for row in (rows.iloc[0], rows.iloc[-1])
    )
    [drift] = fx.drift(store, pairs=["TJS"], sources=["timesca"], start="2025-01-01", end="2025-01-23").to_dict(
        "records"
    )
    texts = format_with_band(drift["drift_pct"], drift["drift_lo_pct"], drift["drift_hi_pct"], signed=True)
    [bank] = fx.quotes(store, pairs=["TJS/USD"], sources=["nbt"]).to_dict("records")
    beside = format_with_band(bank["rate"], bank["rate_lo"], bank["rate_hi"])
    return {
        "first": first,
        "last": f"{last}; 2025-01-20 00:00 UTC: nbt {beside.value}, between {beside.lo} and {beside.hi}",
        "drift": f"{texts.value} %, between {texts.lo} and {texts.hi} %",
        "runs": len(fx.changes(store, pairs=["TJS"], sources=["timesca"], **span)),
    }


def expected(store):
    """What the page has to show of the history, by the functions of the package."""
    span = {"start": "2025-11-10", "end": "2025-12-20"}
    first = fx.load(store, pairs=["KZT"], bands=True, **span).iloc[0]
    last = fx.load(store, pairs=["KZT"], **span).iloc[-1]
    ends = {"start": first.observed_at.date(), "end": last.observed_at.date()}
    [drift] = fx.drift(store, pairs=["KZT"], sources=["timesca"], **ends).to_dict("records")
    texts = format_with_band(drift["drift_pct"], drift["drift_lo_pct"], drift["drift_hi_pct"], signed=True)
    facts = fx.convert(store, "1500", "KZT", "UZS", at=AT, source="timesca").facts()
    turned = in_one_direction(fx.quotes(fx.latest(store, sources=["timesca"])), per_usd=True)
    return {
        "month": month_of_somoni(store),
        "first": f"{first.observed_at:%Y-%m-%d %H:%M} UTC: timesca {first.rate_text}, "
        f"between {first.rate_lo} and {first.rate_hi}",
        "drift": f"{texts.value} %, between {texts.lo} and {texts.hi} %",
        "converted": f"1500 KZT are {facts['amount']} UZS, between {facts['amount_lo']} and {facts['amount_hi']}.",
        "runs": len(fx.changes(store, pairs=["KZT"], sources=["timesca"], **span)),
        "turned": [
            [row.pair, text.value, text.band]
            for row in turned.itertuples()
            for text in [format_with_band(row.rate, row.rate_lo, row.rate_hi)]
        ],
        "rows": cases("page_browser")["rows"],
    }


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sites")
    history = published_history(folder)
    publish(Store(folder / "store-empty"), folder / "empty", at=AT)
    one = Store(folder / "store-one", clock=FixedClock(AT))
    one.append([tick(observed_at=AT, source_date=AT.date())])
    publish(one, folder / "one", at=AT)
    published_gaps(folder)
    published_retraction(folder)
    published_year(folder)
    (folder / "expected.json").write_text(json.dumps(expected(history)), "utf-8")
    return folder


def test_page_in_chromium(sites, capfd):
    environment = {"SITES": str(sites), "CHROMIUM": CHROMIUM, "PATH": str(Path(NODE).parent), "HOME": str(sites)}
    done = run(
        [NODE, "--test", "--test-reporter=spec", "test/page.test.mjs"],
        cwd=PAGE,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    with capfd.disabled():
        print("\n" + "\n".join(line for line in done.stdout.splitlines() if "a year" in line))
    assert done.returncode == 0, done.stdout[-8000:]
