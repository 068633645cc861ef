"""The monthly report: its figures, words and structure, what it knew when, and texts of a store that are no markup."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from builders import NOON, FixedClock, snapshot_ticks, tick
from click.testing import CliRunner

import fxticker as fx
from fxticker.cli import app
from fxticker.model.formatting import format_with_band
from fxticker.model.records import Origin, Outcome, Poll, Retraction, TimeBasis
from fxticker.report.facts import facts_of
from fxticker.report.html import element, joined
from fxticker.report.limits import limits_section
from fxticker.report.moves import move_sentences
from fxticker.report.official import official_sentences
from fxticker.report.page import page_of
from fxticker.report.period import period_of
from fxticker.report.rates import rates_section
from fxticker.report.record import record_section, record_sentences
from fxticker.report.texts import number
from fxticker.store.store import Store, opened

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = datetime(2026, 3, 10, tzinfo=UTC)
TASHKENT = ZoneInfo("Asia/Tashkent")


WORDS = (
    "timesca is on record at 82 instants on 12 of 31 days, from polls. Nothing is known of the other 19 days.",
    "KZT/USD: the tenge became 2.53 % weaker from 2025-12-05 to 2025-12-22; the digits allow 2.02 to 3.03 %.",
    "KGS/USD: the same value was printed at both ends, from 2025-12-05 to 2025-12-22; a change of \u22120.09 to",
    "a change of \u221212 to +14 % would not show. Its digits are too few to show a usual month.",
    "The manat is pegged at 3.5 per dollar.",
    "The last tick of a pair is up to 9 d 6 h older than the end of the month",
    "The printed value changed, as far as it was recorded: KGS/USD 6 times, KZT/USD 15 times, TJS/USD 35 times,",
)


class _Page(HTMLParser):
    """The elements of a page, each with its attributes and text, and the rows of its tables by caption."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.tables, self._open, self._caption = [], {}, [], None
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        found = {"tag": tag, "text": "", **dict(attrs)}
        self.elements.append(found)
        if tag not in ("meta", "br"):
            self._open.append(found)

    def handle_startendtag(self, tag, attrs):
        self.elements.append({"tag": tag, "text": "", **dict(attrs)})

    def handle_data(self, data):
        for found in self._open:
            found["text"] += data

    def handle_endtag(self, tag):
        found = self._open.pop()
        assert found["tag"] == tag
        if tag == "caption":
            self.tables[found["text"]] = []
        elif tag == "tr" and self._open[-1]["tag"] == "tbody":
            cells = found["cells"] = [each for each in self.elements if each.get("row") is found]
            list(self.tables.values())[-1].append([" ".join(cell["text"].split()) for cell in cells])
        elif tag in ("td", "th"):
            found["row"] = next(each for each in reversed(self._open) if each["tag"] == "tr")

    def of(self, *tags):
        return [found for found in self.elements if found["tag"] in tags]

    def table(self, beginning):
        [rows] = [rows for caption, rows in self.tables.items() if caption.startswith(beginning)]
        return rows


def _facts(store, month, *, now=LATER, zone=UTC, as_of=None):
    return facts_of(opened(store), period_of(month, now, zone, as_of))


def _text(store, month, **options):
    """A report without its charts, which are drawn by the tests of `test_report_page`."""
    return page_of(_facts(store, month, **options), {})


@pytest.fixture(scope="module")
def december(polled_history_store):
    """The report of December 2025 of the packaged history, without its charts."""
    return _text(polled_history_store, "2025-12", now=datetime(2026, 3, 10, tzinfo=UTC))


@pytest.fixture
def clock():
    return FixedClock(NOON)


@pytest.fixture
def kept(root, clock):
    """A store that writes at the time of `clock`."""
    return Store(root, clock=clock)


def test_page_names_each_part_and_loads_nothing(december):
    page = _Page(december)
    assert [head["text"] for head in page.of("h1")] == ["Exchange rates against the US dollar, December 2025"]
    assert [head["text"] for head in page.of("h2")] == [
        "In short",
        "The last rates of the month",
        "The change over the month",
        "Official rates beside the ticker",
        "What changed when",
        "What is on record",
        "What these figures cannot say",
    ]
    assert page.of("html")[0]["lang"] == "en"
    assert page.of("script", "link", "img", "iframe", "object", "a", "form") == []
    assert [key for found in page.elements for key in found if key.startswith("on")] == []
    assert re.findall(r"url\((?!#)|@import|src=", december) == []
    assert "default-src &#x27;none&#x27;" in december


def test_tables_have_captions_and_headings(december):
    page = _Page(december)
    assert len(page.of("table")) == len(page.of("caption")) == 7
    assert {head["scope"] for head in page.of("th")} == {"col", "row"}
    assert [frame["role"] for frame in page.of("div")] == ["region"] * 7
    ids = [found["id"] for found in page.elements if "id" in found]
    assert len(ids) == len({*ids}) == 7


def test_rates_and_changes_are_those_of_the_functions(december, polled_history_store):
    page, span = _Page(december), {"start": "2025-12", "end": "2025-12"}
    last = fx.load(polled_history_store, **span).groupby("pair", observed=True).tail(1)
    rates = {row[0].partition(" ")[0]: row[1] for row in page.table("Last rate")}
    assert rates == dict(zip(last["pair"].astype(str), last["rate_text"].astype(str), strict=True))
    first = fx.load(polled_history_store, **span)["observed_at"].iloc[0].to_pydatetime()
    drifts = fx.drift(polled_history_store, start=first, end="2025-12-31", max_age="any")
    written = [
        format_with_band(row.drift_pct, row.drift_lo_pct, row.drift_hi_pct, signed=True) for row in drifts.itertuples()
    ]
    assert [row[3:5] for row in page.table("Change of each rate")] == [
        [number(f"{text.value} %"), number(f"{text.band} %")] for text in written
    ]
    changes = fx.changes(polled_history_store, **span)
    counts = changes.groupby("pair", observed=True).size() - 1
    assert [row[3] for row in page.table("Values of each pair")] == [str(count) for count in counts]


def test_words_state_what_the_digits_prove(december):
    text = " ".join(_Page(december).of("body")[0]["text"].split())
    for words in WORDS:
        assert words in text


def test_each_day_has_a_row_and_no_value_is_filled_in(december):
    rows = _Page(december).table("Last value of each day")
    assert len(rows) == 31
    assert rows[0] == ["Mon 2025-12-01", "0", *["\u2013"] * 5]
    assert rows[8] == ["Tue 2025-12-09", "13", "0.01144", "0.00194 \u2193", "0.10844 \u2193", "0.28571", "0.00008"]


def test_changes_of_a_pegged_currency_to_newer_levels_are_named(polled_history_store):
    page = _Page(_text(polled_history_store, "2026-02"))
    [manat] = [row for row in page.table("Values of each pair") if row[0] == "TMT/USD"]
    assert manat[4] == "1 to a newer level, and 8 peg hops"
    assert "Of TMT/USD they are to newer levels, not on record in the year before: the supplier's, or a move." in {
        each["text"] for each in page.elements
    }


def test_longest_unchanged_value_names_the_time_without_a_tick_in_it(december):
    [kzt] = [row for row in _Page(december).table("Values of each pair") if row[0] == "KZT/USD"]
    assert kzt[-1] == "0.00198 2025-12-05 00:00 to 2025-12-08 00:00, up to 1 d 1 h without a tick"


def test_change_counts_from_the_close_before_if_that_is_young_enough(store):
    begin = datetime(2025, 11, 1, tzinfo=UTC)
    for age in (2 * DAY, 8 * DAY):
        store.append([tick("KZT/USD", "0.00191", "0%", begin - age)])
        store.append([tick("KZT/USD", "0.00192", "0%", begin + age), tick("KZT/USD", "0.00193", "0%", begin + 9 * DAY)])
    facts = _facts(store, "2025-11")
    [row] = facts.drifts.itertuples()
    assert (row.from_close, row.rate_text_start, row.rate_text_end) == (True, "0.00191", "0.00193")
    assert row.start_at == begin - 2 * DAY
    assert facts.path["base_at"].unique().tolist() == [begin - 2 * DAY]
    assert facts.path["drift_pct"].iloc[-1] == pytest.approx(row.drift_pct)


def test_change_counts_from_the_first_tick_if_none_before_is_young_enough(store):
    begin = datetime(2025, 11, 1, tzinfo=UTC)
    old = tick("KZT/USD", "0.00191", "0%", begin - 8 * DAY)
    store.append([old, *(tick("KZT/USD", f"0.0019{n}", "0%", begin + n * DAY) for n in (2, 3))])
    [row] = _facts(store, "2025-11").drifts.itertuples()
    assert (row.from_close, row.rate_text_start, row.rate_text_end) == (False, "0.00192", "0.00193")


def test_month_without_a_tick_says_so(polled_history_store):
    text = _text(polled_history_store, "2025-08")
    page = _Page(text)
    assert "No tick is on record in August 2025, so that nothing can be stated about its rates." in text
    assert "The last one before is of 2025-05-25 00:00." in text
    assert [head["text"] for head in page.of("h2")] == ["What is on record", "What these figures cannot say"]
    assert page.table("Gaps") == [
        ["the beginning of the month", "the end of the month", "31 d 0 h", "timesca", "nothing"]
    ]


def test_month_with_one_tick_states_no_change(kept):
    kept.append([tick()])
    facts = _facts(kept, "2025-11")
    assert move_sentences(facts) == []
    text = page_of(facts, {})
    assert "timesca has no rate at two different instants, so that no change can be stated." in text
    assert "timesca is on record at 1 instant on 1 of 30 days" in text


def test_gaps_are_those_of_sources_that_are_still_polled(kept):
    for day in range(4):
        kept.record(
            [Poll("cbu", NOON - 300 * DAY + day * HOUR, Outcome.OK), Poll("timesca", NOON + day * HOUR, Outcome.OK)]
        )
    kept.append([tick()])
    facts = _facts(kept, "2025-11")
    assert {*facts.gaps["source"]} == {"cbu", "timesca"}
    assert {row[3] for row in _Page(record_section(facts, {}).text).table("Gaps")} == {"timesca"}


def test_store_without_any_row_has_a_report(store, root):
    root.mkdir()
    facts = _facts(store, "2025-11")
    assert (facts.main, facts.pairs, facts.newest) == (None, (), None)
    assert "fxticker report --month 2025-11 --as-of 2025-12-01T00:00:00Z -o report.html" in page_of(facts, {})


def test_running_month_is_cut_and_says_so(kept, clock):
    for number_of in range(3):
        clock.at = NOON + number_of * DAY
        kept.append(snapshot_ticks(clock.at))
        kept.record([Poll("timesca", clock.at, Outcome.OK, ticks=5)])
    now = NOON + 2 * DAY + HOUR
    facts = _facts(kept, "2025-11", now=now)
    assert facts.period.is_running
    text = page_of(facts, {})
    assert "<strong>The month has not ended. </strong>This report is cut at 2025-11-16 13:00 UTC." in text
    assert "on 3 of 16 days so far" in text
    assert "up to 1 h 0 min older than the cut of this report" in text
    assert "--as-of 2025-11-16T13:00:00Z" in text
    assert len(_Page(text).table("Last value of each day")) == 16
    clock.at += DAY
    kept.append(snapshot_ticks(clock.at))
    kept.record([Poll("timesca", clock.at, Outcome.OK, ticks=5)])
    assert _text(kept, "2025-11", as_of=now) == text


def test_report_is_the_same_as_of_its_last_record_after_corrections(kept, clock):
    for number_of in range(4):
        clock.at = NOON + number_of * HOUR
        kept.append(snapshot_ticks(clock.at))
        kept.record([Poll("timesca", clock.at, Outcome.OK, ticks=5)])
    before = _text(kept, "2025-11")
    [as_of] = re.findall(r"--as-of (\S+)", before)
    clock.at = NOON + 90 * DAY
    kept.append([tick("KZT/USD", "0.00199", "0%", NOON + 3 * HOUR), tick("TJS/USD", "0.10999", "0%", NOON + 5 * HOUR)])
    kept.retract([Retraction("timesca", "KGS/USD", NOON, "0.01144", "0%", 1, "misread")])
    kept.record([Poll("timesca", NOON + 4 * HOUR, Outcome.MISSED)])
    after = _text(kept, "2025-11")
    assert "0.00199" in after
    assert "1 tick retracted as misread" in after
    assert "4 of 5 polls on record succeeded" in after
    assert _text(kept, "2025-11", as_of=as_of) == before


def test_official_rates_stand_beside_the_ticker(kept):
    days = [datetime(2025, 11, day, tzinfo=UTC) for day in (12, 13, 14)]
    dated = {"source": "cbu", "time_basis": TimeBasis.DATE}
    rates = zip(days, ("11900.25", "11913.40", "11921.07"), strict=True)
    official = [tick("USD/UZS", text, None, day, source_date=day.date(), **dated) for day, text in rates]
    peg = tick("USD/TMT", "3.5", None, days[0], source="tmt-peg", time_basis=TimeBasis.DATE)
    kept.append([*snapshot_ticks(NOON), *snapshot_ticks(NOON + HOUR), *official, peg])
    facts = _facts(kept, "2025-11")
    assert official_sentences(facts) == [
        "At the last tick that can be compared the ticker contradicts no official rate (2 comparisons)."
    ]
    page = _Page(page_of(facts, {}))
    assert page.table("Last stored official rates") == [
        ["TMT/USD", "tmt-peg", "2025-11-14 0 min", "3.5", "0.0 % \u22121.5 to +1.5", "agree", "2 of 2", "100 %"],
        ["UZS/USD", "cbu", "2025-11-14 0 min", "11,921.07", "\u22125 % \u221211 to +2", "agree", "2 of 2", "100 %"],
    ]
    [[pair, source, start, end, change, band, proof]] = page.table("Change of official rates")
    assert (pair, source, change, proof) == ("UZS/USD", "cbu", "\u22120.17465 %", "more than rounding: sum weaker")
    assert (start, end) == ("11,900.25 2025-11-12", "11,921.07 2025-11-14")
    assert band == "\u22120.17474 to \u22120.17456 %"


def test_month_without_the_ticker_is_about_another_source_and_says_what_it_leaves_out(kept):
    days = [datetime(2025, 11, day, tzinfo=UTC) for day in (12, 13)]
    dated = {"source": "nbk", "time_basis": TimeBasis.DATE}
    bank = [tick("USD/KZT", text, None, day, **dated) for day, text in zip(days, ("523.10", "524.35"), strict=True)]
    kept.append(bank)
    text = _text(kept, "2025-11")
    assert "What the source nbk (https://nationalbank.kz/rss/get_rates.cfm) showed for KZT (tenge)" in text
    assert "KZT/USD: the tenge became 0.2384 % weaker from 2025-11-12 to 2025-11-13;" in text
    assert "There is nothing official to set beside nbk: no official rate of these pairs is stored." in text
    assert "the ticker" not in text.partition("<body>")[2]
    market = [tick("KZT/USD", "0.00191", None, NOON, source=name) for name in ("zeta", "alpha")]
    kept.append(market)
    facts = _facts(kept, "2025-11")
    assert (facts.main, facts.others) == ("alpha", ("zeta",))
    assert "The store also has rates of zeta, of which nothing is in this report." in limits_section(facts).text
    kept.append([tick()])
    assert _facts(kept, "2025-11").main == "timesca"


def test_ticks_of_polls_without_outcomes_are_not_called_imported(kept):
    kept.append([tick()])
    said = "No outcome of a poll is on record for this month, though ticks of polls are: nothing shows what was missed."
    assert said in record_section(_facts(kept, "2025-11"), {}).text
    kept.append([tick(observed_at=NOON + 40 * DAY, origin=Origin.PAGE)])
    assert "for this month, as with imported ticks:" in record_section(_facts(kept, "2025-12"), {}).text


def test_days_and_clock_are_those_of_the_zone(kept):
    late = datetime(2025, 11, 30, 20, tzinfo=UTC)  # 1 December, 01:00 in Tashkent
    kept.append([*snapshot_ticks(late), *snapshot_ticks(late + HOUR)])
    assert _facts(kept, "2025-12").main is None
    facts = _facts(kept, "2025-12", zone=TASHKENT)
    page = _Page(rates_section(facts).text)
    assert {row[5] for row in page.table("Last rate")} == {"2025-12-01 02:00"}
    assert record_sentences(facts)[0] == "timesca is on record at 2 instants on 1 of 31 days, from polls."
    assert "Days are those of Asia/Tashkent" in limits_section(facts).text
    assert move_sentences(facts)[0].startswith("KGS/USD: the same value was printed at both ends, on 2025-12-01;")


HOSTILE = "<script>alert('1')</script>&\"\x1b[31m\u202e"


def test_texts_become_no_markup():
    made = element("td", HOSTILE, title=HOSTILE).text
    safe = "&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;&amp;&quot;\\x1b[31m\\u202e"
    assert made == f'<td title="{safe}">{safe}</td>'
    assert joined(HOSTILE, element("br")).text == f"{safe}<br>"


def test_texts_of_frames_become_no_markup(kept):
    kept.append([*snapshot_ticks(NOON), *snapshot_ticks(NOON + HOUR)])
    kept.record([Poll("timesca", NOON, Outcome.TIMEOUT)])
    facts = _facts(kept, "2025-11")
    names = ("ticks", "rates", "drifts", "path", "days", "runs", "polls", "gaps")
    frames = {name: getattr(facts, name).assign(source=HOSTILE) for name in names}
    frames["drifts"] = frames["drifts"].assign(rate_text_start=HOSTILE)
    text = page_of(replace(facts, main=HOSTILE, others=(HOSTILE,), **frames), {})
    assert _Page(text).of("script") == []
    assert _Page(text).table("Polls on record") == [
        ["<script>alert('1')</script>&\"\\x1b[31m\\u202e", "1", "0 (0.0 %)", "timeout \u00d7 1"]
    ]
    assert [char for char in text if not char.isprintable() and char != "\n"] == []


@pytest.mark.parametrize(
    ("month", "as_of", "message"),
    [
        ("2026-04", None, "the month 2026-04 begins later than now, 2026-03-10 00:00 UTC"),
        ("2025-12", "2025-11-30", "the month 2025-12 begins later than 2025-11-30, as of which it is asked for"),
        ("2025-12", "2026-04-01", "2026-04-01 is later than now, 2026-03-10 00:00 UTC"),
        ("2025-13", None, "'2025-13' is no month such as 2025-11, quarter such as 2025-Q4, or year"),
        ("2025", None, "a month is such as 2025-12, not '2025'"),
    ],
)
def test_month_that_is_none_or_has_not_begun_is_refused(month, as_of, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        period_of(month, LATER, UTC, as_of)


def test_command_writes_the_page_whole_or_not_at_all(kept, root, tmp_path):
    kept.append([tick()])
    file = tmp_path / "report.html"
    command = ["report", "--month", "2025-10", "--store", str(root)]
    done = CliRunner().invoke(app, [*command, "-o", str(file)])
    assert (done.exit_code, done.output) == (0, f"{file}\n")
    assert file.read_text("utf-8") == fx.monthly_report(root, "2025-10")
    assert CliRunner().invoke(app, [*command, "-o", "-"]).output == file.read_text("utf-8")
    for wrong, code in (
        (["--month", "2999-01"], 2),
        (["--month", "October"], 2),
        (["--store", str(tmp_path / "no")], 1),
    ):
        assert CliRunner().invoke(app, [*command, *wrong, "-o", str(file)]).exit_code == code
    assert file.read_text("utf-8") == fx.monthly_report(root, "2025-10")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parquet", "report.html"]
