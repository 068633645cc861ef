"""Tables on a terminal: a text never without its nominal, and no digit that the band does not support."""

import pytest
from builders import NOON, tick
from click.testing import CliRunner

from fxticker.cli import app

ROUBLES = {"source": "cbr", "nominal": 10_000, "rate": 62.8322 / 10_000}


@pytest.fixture
def shown(store, tmp_path):
    """Run a command on a store of the ticker and of the Bank of Russia, which prints UZS for 10,000; its output."""
    store.append([tick("UZS/RUB", "62,8322", None, **ROUBLES), tick("USD/RUB", "80,7296", None, source="cbr")])
    store.append([tick("KZT/USD", "0.00209"), tick("TMT/USD", "0.10696", None)])

    def run(*arguments):
        result = CliRunner().invoke(app, [*arguments, "--store", str(tmp_path / "parquet")])
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def row_of(pair, table):
    """The words of the only row of a pair in a table, however its columns are set."""
    [line] = [line for line in table.splitlines() if pair in line]
    return " ".join(line.split()) + " "


@pytest.mark.parametrize("command", ["latest", "history"])
def test_printed_text_stands_with_its_nominal(shown, command):
    assert " 62,8322 per 10,000 " in row_of("UZS/RUB", shown(command))


@pytest.mark.parametrize("command", ["quotes", "changes"])
def test_rate_is_per_one_unit_with_the_printed_digits(shown, command):
    assert " 0.00628322 0.006283215 to 0.006283225 " in row_of("UZS/RUB", shown(command))
    header, *rows = [line.split(",") for line in shown(command, "--format", "csv").splitlines()]
    [nominal] = [row[header.index("nominal") + 1] for row in rows if "UZS/RUB" in row]  # the text has a comma
    assert nominal == "10000"


def test_conversion_names_the_nominal_of_the_text(shown):
    told = shown("convert", "1500", "UZS", "RUB", "--at", NOON.isoformat())
    assert "by UZS/RUB 62,8322 per 10,000 of cbr" in told


def test_inverse_rate_has_the_digits_of_its_band(shown):
    assert " 478.5 477.3 to 479.7 " in row_of("USD/KZT", shown("quotes", "--pair", "USD/KZT"))


def test_rates_at_a_peg_have_the_printed_digits(shown):
    assert " 0.10696 0.106955 to 0.106965 0.285714 " in row_of("TMT/USD", shown("peg", "--wide"))
