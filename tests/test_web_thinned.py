"""HTTP API: ranges of the ticker are read thinned, and say the same as all of its ticks."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from builders import NOON, tick
from hypothesis import given
from hypothesis import strategies as st
from laws import law
from web_client import Client

import fxticker as fx
from fxticker.model.records import TimeBasis
from fxticker.store.store import Store

PAIRS = ["KZT/USD", "USD/KZT", "KZT/UZS"]
TEXTS = {"KZT/USD": ["0.00191", "0.00200"], "UZS/USD": ["0.00008", "0.00009"]}
TICKS = st.lists(
    st.tuples(
        st.sampled_from(["KZT/USD", "UZS/USD"]),
        st.integers(0, 5 * 24 * 4),
        st.integers(0, 1),
        st.sampled_from([0, 0, 0, 1]),
    ),
    min_size=1,
    max_size=60,
)


def store_of(made, folder):
    """A store with ticks on a grid of 15 minutes, some of a date only, in segments of a few rows."""
    rows = []
    for pair, step, text, is_date in made:
        at = NOON + timedelta(minutes=15 * step)
        dated = (
            {"time_basis": TimeBasis.DATE, "observed_at": at.replace(hour=0, minute=0)}
            if is_date
            else {"observed_at": at}
        )
        rows.append(tick(pair, TEXTS[pair][text], **dated))
    store = Store(folder, segment_rows=20)
    store.append(rows)
    return store


@law(40)
@given(TICKS, st.sampled_from(PAIRS), st.sampled_from(["hour", "day", "week", "month"]))
def test_groups_and_days_are_those_of_all_ticks(tmp_path_factory, made, pair, freq):
    store = store_of(made, tmp_path_factory.mktemp("thinned") / "parquet")
    client = Client(store, NOON + timedelta(days=7))
    base, quote = pair.split("/")
    answer = client.get(f"/v2/rates?base={base}&quotes={quote}&from=2025-11-01&group={freq}")
    found = [] if answer.status_code == 404 else answer.json()
    try:
        every = fx.resample(store, freq, pairs=[pair], start="2025-11-01")
    except fx.NotDerivable:
        every = pd.DataFrame({"count": []})
    expected = every[every["count"] > 0].to_dict("records")
    assert [(row["start_at"], row["looks"], row["observed_at"], float(row["rate_lo"])) for row in found] == [
        (row["start_at"].strftime("%FT%TZ"), row["count"], row["close_at"].strftime("%FT%TZ"), row["close_lo"])
        for row in expected
    ]
    if freq == "day":
        daily = client.get(f"/v2/rates?base={base}&quotes={quote}&from=2025-11-01")
        rows = daily.json() if daily.status_code == 200 else []
        assert [(row["date"], row["rate_lo"]) for row in rows] == [(row["date"], row["rate_lo"]) for row in found]


@pytest.mark.parametrize("now", [datetime(2025, 11, 14, 12, tzinfo=UTC), datetime(2025, 11, 14, 11, 59, tzinfo=UTC)])
def test_day_of_now_ends_at_now(store, now):
    store.append([tick(), tick(rate_text="0.00200", observed_at=NOON + timedelta(minutes=1))])
    answer = Client(store, now).get("/v2/rates?base=KZT&quotes=USD&from=2025-11-14")
    assert [row["rate"] for row in answer.json()] == [0.00191] if now == NOON else answer.status_code == 404
