"""Days of a real aggregator beside the ticker: see real_history.py. Without its folder only the way there is tested."""

import io
import json
import tarfile
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import real_history
from builders import capture_ticks

import fxticker as fx
from fxticker.store.store import Store

LIMITS = Path(__file__).parent.parent / "docs" / "limits.md"
is_complete = all((real_history.FOLDER / f"{day}.json").exists() for day in real_history.published_days())
with_days = pytest.mark.skipif(not is_complete, reason="no folder real-history: `make real-history` takes the days")
PAIRS = ["KGS", "KZT", "TJS", "TMT", "UZS"]


def package(path, name, body, kind=tarfile.REGTYPE):
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size, member.type = len(body), kind
        archive.addfile(member, io.BytesIO(body))
    return path


def test_file_that_the_source_requests_is_taken_from_a_package(tmp_path):
    real_history.unpack(package(tmp_path / "a.tgz", real_history.MEMBER, b"{}"), tmp_path / "day.json")
    assert (tmp_path / "day.json").read_bytes() == b"{}"


@pytest.mark.parametrize(
    ("name", "body", "kind", "error"),
    [
        ("package/other.json", b"{}", tarfile.REGTYPE, KeyError),
        (real_history.MEMBER, b" " * (real_history.MAX_MEMBER_BYTES + 1), tarfile.REGTYPE, ValueError),
        (real_history.MEMBER, b"", tarfile.SYMTYPE, ValueError),
    ],
)
def test_package_of_another_form_is_refused(tmp_path, name, body, kind, error):
    with pytest.raises(error):
        real_history.unpack(package(tmp_path / "a.tgz", name, body, kind), tmp_path / "day.json")
    assert not (tmp_path / "day.json").exists()


def test_only_a_few_packages_are_taken():
    assert len(real_history.published_days()) == 20


@pytest.mark.slow
def test_days_of_a_folder_are_backfilled_and_compared(tmp_path):
    folder, store = tmp_path / "days", Store(tmp_path / "store")
    folder.mkdir()
    (folder / "2025-12-09.json").write_text('{"date": "2025-12-09", "usd": {"tmt": 3.5, "kzt": 5.201e2}}')
    store.append(capture_ticks())

    runs = real_history.fill(store, folder)

    assert sum(run.filled for run in runs) == 1
    assert [run.refused for run in runs] == [[]] * len(runs)
    table = real_history.agreement(store).set_index(["pair", "lag_days"])
    assert table.loc[("TMT/USD", 0), "days"] == 1
    assert table.loc[("KZT/USD", 0), "distance_pct"] > 0


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("real"))
    store.append(capture_ticks())
    return store, real_history.fill(store, real_history.FOLDER)


@with_days
def test_every_published_day_is_stored_and_the_others_are_absent(filled):
    store, runs = filled
    assert [(run.refused, run.remarks, run.stopped) for run in runs] == [([], [], None)] * len(runs)
    assert sum(run.absent for run in runs) == len(real_history.CASES["absent"])
    stored = fx.load(store, sources=["fawazahmed0"])
    assert sorted(set(stored["observed_at"].dt.date)) == real_history.published_days()
    assert len(stored) == len(real_history.published_days()) * len(PAIRS)


@with_days
def test_every_rate_is_stored_with_the_digits_of_its_file(filled):
    stored = fx.load(filled[0], sources=["fawazahmed0"])
    texts = dict(zip(zip(stored["observed_at"].dt.date, stored["pair"], strict=True), stored["rate_text"], strict=True))
    for day in real_history.published_days():
        document = json.loads((real_history.FOLDER / f"{day}.json").read_bytes(), parse_float=str, parse_int=str)
        assert date.fromisoformat(document["date"]) == day
        assert {name: document["usd"][name.lower()] for name in PAIRS} == {
            name: texts[day, f"USD/{name}"] for name in PAIRS
        }


@with_days
def test_second_backfill_makes_no_request_for_stored_or_absent_days(filled):
    again = real_history.fill(filled[0], real_history.FOLDER)
    assert [(run.requests, run.added) for run in again] == [(0, 0)] * len(again)


@with_days
def test_documented_table_is_the_measured_one(filled):
    table = real_history.agreement(filled[0])
    inside = (table["inside"] * table["ticks"]).round().astype(int)
    shown = table.assign(text=inside.astype(str) + " of " + table["ticks"].astype(str)).pivot_table(
        index="pair", columns="lag_days", values="text", aggfunc="first"
    )
    same_day = table[table["lag_days"] == 0].set_index("pair")
    lines = [
        f"| {pair} | {' | '.join(shown.loc[pair, lag] for lag in real_history.LAGS_DAYS)} "
        f"| {100 * score['chance']:.0f} % | {score['width_pct']:.3f} | {score['beyond_pct']:.3f} |"
        for pair, score in same_day.iterrows()
    ]
    assert pd.Series(lines).isin(LIMITS.read_text("utf-8").splitlines()).all(), "\n".join(lines)
