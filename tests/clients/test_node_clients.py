"""Clients of npm read the server unmodified: their users get the stored numbers, and an error where there is none."""

import pytest
from programs import NODE

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("provider", "too_old", "unknown"),
    [
        (
            "Frankfurter",
            "No 'KZT' present in rates (1 rate available).",
            "Currency not found or not supported by Frankfurter.",
        ),
        (
            "OpenExchangeRates",
            "No 'KZT' present in rates (2 rates available).",
            "Request to the provider failed: HTTP 400",
        ),
        ("Fixer", "Request to the provider failed: HTTP 404, provider code 106", "Invalid base currency."),
    ],
)
def test_easy_currencies(node, provider, too_old, unknown):
    shown = node(
        NODE
        + f"const provider = {provider!r};"
        + """
const { Converter } = require("easy-currencies");
const convert = (from, to) => {
  const converter = new Converter({ name: provider, key: "key" });
  converter.onError = () => {};
  for (const other of converter.providers.slice(1)) converter.remove(other);
  return converter.convert(100, from, to);
};
show({
  converted: () => convert("USD", "KGS"),
  too_old: () => convert("USD", "KZT"),
  unknown: () => convert("XYZ", "KGS"),
});
"""
    )
    assert shown == {"converted": 8745, "too_old": f"Error: {too_old}", "unknown": f"Error: {unknown}"}


def test_fixer_api(node):
    shown = node(
        NODE
        + """
const fixer = require("fixer-api");
fixer.set({ accessKey: "key" });
const dollar = { base: "USD", symbols: "KZT" };
show({
  of_euro: async () => (await fixer.latest()).rates,
  of_day: async () => (await fixer.forDate("2025-12-10", dollar)).rates,
  series: async () => (await fixer.timeseries("2025-12-06", "2025-12-08", dollar)).rates,
  converted: async () => (await fixer.convert("USD", "KGS", 100)).result,
  unknown: () => fixer.latest({ base: "XYZ" }),
  too_old: () => fixer.latest(dollar),
  without: () => fixer.forDate("2025-09-01", dollar),
  by_address: async () => (await fixer.set({ baseUrl: "http://127.0.0.1:8080/api" }).latest()).rates,
});
"""
    )
    assert shown == {
        "of_euro": {"EUR": 1, "KGS": 101.5076},
        "of_day": {"KZT": 518},
        "series": {"2025-12-07": {"KZT": 505}, "2025-12-08": {"KZT": 505}},
        "converted": 8745,
        "unknown": "Error: invalid_base_currency: invalid currency: XYZ",
        "too_old": "Error: no_rates_available: USD/KZT: timesca: 88 d 0 h old, limit 7 d",
        "without": "Error: no_rates_available: USD/KZT: timesca: 99 d 23 h old, limit 7 d",
        "by_address": {"EUR": 1, "KGS": 101.5076},
    }


def test_open_exchange_rates(node):
    shown = node(
        NODE
        + """
const client = require("open-exchange-rates").set({ app_id: "key" });
const asked = (ask) => new Promise((resolve, reject) =>
  ask((error) => (error ? reject(new Error(error)) : resolve({ base: client.base, rates: client.rates }))));
show({
  latest: () => asked(client.latest),
  of_day: async () => (await asked((done) => client.historical("2025-12-10", done))).rates.KZT,
  before_all: () => asked((done) => client.historical("2020-01-01", done)),
});
"""
    )
    assert shown.pop("before_all").startswith("Error: 404 (not_found): USD/EUR: ")
    assert shown == {"latest": {"base": "USD", "rates": {"KGS": 87.45, "USD": 1}}, "of_day": 518}


def test_oxr(node):
    shown = node(
        NODE
        + """
const client = require("oxr").factory({ appId: "key" });
show({
  latest: async () => (await client.latest()).rates,
  of_day: async () => (await client.historical("2025-12-10", { symbols: "KZT" })).rates,
  names: async () => (await client.currencies()).KZT,
  unknown: () => client.latest({ base: "XYZ" }),
  without: () => client.historical("2025-09-01", { symbols: "KZT" }),
});
"""
    )
    assert shown == {
        "latest": {"KGS": 87.45, "USD": 1},
        "of_day": {"KZT": 518},
        "names": "Kazakhstani Tenge",
        "unknown": "OxrError: invalid_base",
        "without": "OxrError: not_found",
    }
