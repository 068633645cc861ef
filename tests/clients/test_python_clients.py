"""Clients of PyPI read the server unmodified: their users get the stored numbers, and an error where there is none."""

import pytest
from programs import INTERPRETER, PYTHON

pytestmark = pytest.mark.slow

NAMES = {
    "EUR": "Euro",
    "KGS": "Kyrgyzstani Som",
    "KZT": "Kazakhstani Tenge",
    "TJS": "Tajikistani Somoni",
    "TMT": "Turkmenistani Manat",
    "USD": "United States Dollar",
    "UZS": "Uzbekistan Som",
}
TWO_DAYS = {"2025-12-07": {"KZT": 505.0}, "2025-12-08": {"KZT": 505.0}}


def test_frankfurter(python):
    shown = python(
        PYTHON
        + """
from frankfurter import FrankfurterEngine
client = FrankfurterEngine()
show(
    latest=lambda: client.fetch_latest_data("USD")["rates"],
    of_euro=lambda: client.fetch_latest_data()["rates"],
    of_day=lambda: client.fetch_data_for_date("2025-12-10", "USD", "KZT")["rates"],
    series=lambda: client.fetch_time_series_data("USD", "KZT", "2025-12-06", "2025-12-08")["rates"],
    currencies=client.fetch_currencies,
    converted=lambda: client.convert_currency(100, "USD", "KGS"),
    unknown=lambda: client.fetch_latest_data("USD", "XYZ"),
    too_old=lambda: client.convert_currency(100, "USD", "KZT"),
    without=lambda: client.fetch_data_for_date("2025-09-01", "USD", "KZT"),
)
"""
    )
    failed = "Exception: Frankfurter API call has failed. \nStatusCode : 404 \nReason : Not Found"
    assert shown == {
        "latest": {"KGS": 87.45},
        "of_euro": {"KGS": 101.5076},
        "of_day": {"KZT": 518.0},
        "series": TWO_DAYS,
        "currencies": NAMES,
        "converted": 8745.0,
        "unknown": "UnknownCurrencyException: Unknown Currency : XYZ",
        "too_old": failed,
        "without": failed,
    }


@pytest.fixture
def exrate(network, python):
    """Run the command `exrate`; `python` skips where it is not installed."""
    del python
    return lambda *arguments: network.run(INTERPRETER, "-m", "exrate", *arguments)


def test_exrate(exrate):
    assert exrate("rate", "usd", "kgs").stdout == "2026-05-24  1 USD = 87.45 KGS\n"
    series = ("rates", "--base", "USD", "--quotes", "KZT", "--from", "2025-12-06", "--to", "2025-12-08")
    assert exrate(*series, "--csv").stdout.splitlines() == [
        "date,base,quote,rate",
        "2025-12-07,USD,KZT,505.0",
        "2025-12-08,USD,KZT,505.0",
    ]
    converted = "100 USD = 51,800.0000 KZT  (rate 518.0 on 2025-12-10)\n"
    assert exrate("convert", "100", "USD", "KZT", "--date", "2025-12-10").stdout == converted
    assert exrate("currencies").stdout.endswith("\n7 currencies\n")
    peg = "  Peg         : 1 TMT = 3.5 USD (Central Bank of Turkmenistan)\n"
    assert exrate("currency", "TMT").stdout.endswith(peg)
    assert "nbkr     KG  KGS    National Bank of the Kyrgyz Republic" in exrate("providers").stdout


def test_exrate_errors(exrate):
    unknown = exrate("rate", "USD", "XYZ")
    assert (unknown.returncode, unknown.stderr) == (1, "API error 422: invalid currency: XYZ\n")
    for arguments in (("USD", "KZT"), ("USD", "KZT", "--date", "2025-09-01")):
        without = exrate("rate", *arguments)
        assert (without.returncode, without.stderr) == (1, "API error 404: not found\n")


def test_oxr(python):
    shown = python(
        PYTHON
        + """
import oxr
client = oxr.Client("key")
show(
    latest=lambda: client.latest().model_dump(mode="json"),
    of_euro=lambda: client.latest("EUR", ["KGS"]).rates,
    of_day=lambda: client.historical(dt.date(2025, 12, 10), symbols=["KZT"]).rates,
    series=lambda: client.time_series(dt.date(2025, 12, 6), dt.date(2025, 12, 8), symbols=["KZT"]).model_dump_json(),
    converted=lambda: client.convert(100, "USD", "KGS").amount,
    names=client.currencies,
    unknown=lambda: client.convert(100, "USD", "XYZ"),
    no_range=lambda: client.time_series(dt.date(2025, 12, 8), dt.date(2025, 12, 6)),
    too_old=lambda: client.latest("USD", ["KZT"]),
    without=lambda: client.historical(dt.date(2025, 9, 1), symbols=["KZT"]),
)
"""
    )
    assert shown.pop("series").endswith('"rates":{"2025-12-07":{"KZT":"505.0"},"2025-12-08":{"KZT":"505.0"}}}')
    assert all(shown.pop(name).startswith("Error: 404 Client Error") for name in ("too_old", "without"))
    assert shown == {
        "latest": {"time": "2026-05-24T00:00:00Z", "base": "USD", "rates": {"KGS": "87.45", "USD": "1"}},
        "of_euro": {"KGS": "101.5076"},
        "of_day": {"KZT": "518.0"},
        "converted": "8745.0",
        "names": NAMES,
        "unknown": "InvalidCurrency: ",
        "no_range": "InvalidDateRange: ",
    }


def test_address_that_is_a_setting_needs_no_name(python):
    shown = python(
        PYTHON
        + """
import oxr, pyoxr
client = oxr.Client("key", base_url="http://127.0.0.1:8080/api")
older = pyoxr.OXRClient("key", "http://127.0.0.1:8080/api/")
show(oxr=lambda: client.latest().rates, pyoxr=lambda: pyoxr.OXRClient.get_latest(api=older)["rates"])
"""
    )
    assert shown == {"oxr": {"KGS": "87.45", "USD": "1"}, "pyoxr": {"KGS": 87.45, "USD": 1}}


def test_aioopenexchangerates(python):
    shown = python(
        PYTHON
        + """
import asyncio
from aioopenexchangerates import Client

def run(ask):
    async def main():
        async with Client("key") as client:
            return await ask(client)
    return asyncio.run(main())

show(
    latest=lambda: run(lambda client: client.get_latest()).rates,
    of_euro=lambda: run(lambda client: client.get_latest("EUR", ["KGS"])).rates,
    names=lambda: run(lambda client: client.get_currencies()),
    unknown=lambda: run(lambda client: client.get_latest("XYZ")),
    too_old=lambda: run(lambda client: client.get_latest("USD", ["KZT"])),
)
"""
    )
    assert shown == {
        "latest": {"KGS": 87.45, "USD": 1.0},
        "of_euro": {"KGS": 101.5076},
        "names": NAMES,
        "unknown": "OpenExchangeRatesClientError: Bad Request",
        "too_old": "OpenExchangeRatesClientError: Not Found",
    }


def test_pyoxr(python):
    shown = python(
        PYTHON
        + """
import pyoxr
pyoxr.init("key")
client = pyoxr.OXRClient
show(
    latest=lambda: client.get_latest()["rates"],
    of_day=lambda: client.get_historical("2025-12-10", symbols=["KZT"])["rates"],
    series=lambda: client.get_time_series("2025-12-06", "2025-12-08", symbols=["KZT"])["rates"],
    converted=lambda: client.convert(100, "USD", "KGS")["response"],
    unknown=lambda: client.get_latest("XYZ"),
    too_old=lambda: client.get_latest("USD", ["KZT"]),
    without=lambda: client.get_historical("2025-09-01", symbols=["KZT"]),
)
"""
    )
    assert shown == {
        "latest": {"KGS": 87.45, "USD": 1},
        "of_day": {"KZT": 518.0},
        "series": TWO_DAYS,
        "converted": 8745.0,
        "unknown": "OXRInvalidBaseError: Invalid base",
        "too_old": "OXRStatusError: USD/KZT: timesca: 88 d 0 h old, limit 7 d",
        "without": "OXRStatusError: USD/KZT: timesca: 99 d 23 h old, limit 7 d",
    }


def test_openexchangerates3(python):
    shown = python(
        PYTHON
        + """
from openexchangerates import OpenExchangeRatesClient
client = OpenExchangeRatesClient("key")
show(
    latest=lambda: client.latest()["rates"],
    of_day=lambda: client.historical(dt.date(2025, 12, 10))["rates"],
    unknown=lambda: client.latest("XYZ"),
    without=lambda: client.historical(dt.date(2025, 9, 1)),
)
"""
    )
    assert shown["latest"] == {"KGS": "87.45", "USD": "1"}
    assert shown["of_day"]["KZT"] == "518.0"
    assert shown["unknown"].startswith("OpenExchangeRatesClientException: 400 Client Error")
    assert shown["without"].startswith("OpenExchangeRatesClientException: 404 Client Error")


def test_fixerio_client(python):
    shown = python(
        PYTHON
        + """
from fixerio import Fixerio
client = Fixerio("key", base="USD")
show(
    of_euro=lambda: Fixerio("key").latest()["rates"],
    latest=lambda: client.latest(["KGS"])["rates"],
    of_day=lambda: client.historical_rates(dt.date(2025, 12, 10), "KZT")["rates"],
    names=lambda: client.available_currencies()["symbols"],
    unknown=lambda: Fixerio("key", base="XYZ").latest(),
    too_old=lambda: client.latest("KZT"),
)
"""
    )
    assert shown.pop("unknown").startswith("FixerioException: 422 Client Error")
    assert shown.pop("too_old").startswith("FixerioException: 404 Client Error")
    assert shown == {
        "of_euro": {"EUR": 1, "KGS": 101.5076},
        "latest": {"KGS": 87.45},
        "of_day": {"KZT": 518.0},
        "names": NAMES,
    }


def test_forex_python(python):
    shown = python(
        PYTHON
        + """
from decimal import Decimal
from forex_python.converter import CurrencyRates
client = CurrencyRates()
show(
    latest=lambda: client.get_rates("USD"),
    of_day=lambda: client.get_rate("USD", "KZT", dt.date(2025, 12, 10)),
    converted=lambda: CurrencyRates(force_decimal=True).convert("USD", "KGS", Decimal(100)),
    unknown=lambda: client.get_rate("XYZ", "KGS"),
    too_old=lambda: client.get_rate("USD", "KZT"),
    without=lambda: client.get_rate("USD", "KZT", dt.date(2025, 9, 1)),
)
"""
    )
    failed = "RatesNotAvailableError: Currency Rates Source Not Ready"
    assert shown == {
        "latest": {"KGS": 87.45, "USD": 1},
        "of_day": 518.0,
        "converted": "8745.00",
        **dict.fromkeys(("unknown", "too_old", "without"), failed),
    }


DJANGO = """
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", APPLICATION],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    USE_TZ=True,
    **SETTINGS,
)
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
"""


def test_django_money(python):
    shown = python(
        PYTHON
        + "APPLICATION = 'djmoney.contrib.exchange'\n"
        + "SETTINGS = {'OPEN_EXCHANGE_RATES_APP_ID': 'key', 'FIXER_ACCESS_KEY': 'key', 'BASE_CURRENCY': 'USD'}\n"
        + DJANGO
        + """
from djmoney.contrib.exchange.backends import FixerBackend, OpenExchangeRatesBackend
from djmoney.contrib.exchange.models import Rate, convert_money
from djmoney.money import Money
call_command("update_rates", verbosity=0)
FixerBackend().update_rates("EUR")
by_address = OpenExchangeRatesBackend(url="http://127.0.0.1:8080/api/latest.json")

def kept():
    Rate.objects.create(currency="KZT", value=500, backend_id="openexchangerates.org")
    call_command("update_rates", verbosity=0)
    return convert_money(Money(100, "USD"), "KZT").amount

show(
    stored=lambda: {rate.currency: str(rate.value) for rate in Rate.objects.filter(backend="openexchangerates.org")},
    of_euro=lambda: {rate.currency: str(rate.value) for rate in Rate.objects.filter(backend="fixer.io")},
    converted=lambda: convert_money(Money(100, "USD"), "KGS").amount,
    back=lambda: round(convert_money(Money(8745, "KGS"), "USD").amount, 6),
    unknown=lambda: convert_money(Money(100, "USD"), "XYZ"),
    too_old=lambda: convert_money(Money(100, "USD"), "KZT"),
    kept=kept,
    by_address=lambda: by_address.get_rates(**by_address.get_params()),
)
"""
    )
    missing = "MissingRate: Rate USD -> {} does not exist"
    assert shown == {
        "stored": {"KGS": "87.450000", "USD": "1.000000"},
        "of_euro": {"EUR": "1.000000", "KGS": "101.507600"},
        "converted": "8745.00",
        "back": "100.000000",
        "unknown": missing.format("XYZ"),
        "too_old": missing.format("KZT"),
        "kept": "50000",  # of before: there is no rate now, and django-money does not remove the one that it has
        "by_address": {"KGS": "87.45", "USD": 1},
    }


def test_django_prices_openexchangerates(python):
    shown = python(
        PYTHON
        + "APPLICATION = 'django_prices_openexchangerates'\n"
        + "SETTINGS = {'OPENEXCHANGERATES_API_KEY': 'key'}\n"
        + DJANGO
        + """
from django_prices_openexchangerates import exchange_currency
from django_prices_openexchangerates.models import ConversionRate
from prices import Money
call_command("update_exchange_rates", "--all", verbosity=0)

def kept():
    ConversionRate.objects.create(to_currency="KZT", rate=500)
    call_command("update_exchange_rates", verbosity=0)

show(
    stored=lambda: {rate.to_currency: str(rate.rate) for rate in ConversionRate.objects.all()},
    converted=lambda: exchange_currency(Money(100, "USD"), "KGS").amount,
    too_old=lambda: exchange_currency(Money(100, "USD"), "KZT"),
    kept=kept,
)
"""
    )
    assert shown == {
        "stored": {"KGS": "87.450000000000"},
        "converted": "8745.000000000000",
        "too_old": "ValueError: No conversion rate for KZT",
        "kept": "KeyError: 'KZT'",  # its update fails on a currency that has no rate any more
    }
