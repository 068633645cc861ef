"""The source reads a recorded answer as a person does, and refuses what is damaged or no rates at all."""

from datetime import date
from pathlib import Path

from fxticker_mybank import SOURCE

from fxticker.sources.contract import check_source


def test_recorded_answer_is_read_as_printed() -> None:
    """The answer is one that the publisher really gave; pair, rate and nominal are those that a person reads in it."""
    body = Path(__file__).with_name("answer.xml").read_bytes()
    headers = {"content-type": "text/xml"}
    check_source(SOURCE, body, headers, printed=[("USD/KZT", "478.77", 1)], day=date(2026, 4, 1))
