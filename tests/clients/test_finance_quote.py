"""Perl's Finance::Quote, which GnuCash asks, reads the server unmodified."""

import shutil

import pytest

pytestmark = pytest.mark.slow

PROGRAM = """
use Finance::Quote;
use JSON;
my ($method, @pairs) = @ARGV;
my $quoter = Finance::Quote->new(currency_rates => {order => [$method], lc $method => {API_KEY => "key"}});
print encode_json([map { my $rate = $quoter->currency(split /:/); defined $rate ? 0 + $rate : undef } @pairs]), "\\n";
"""


@pytest.fixture
def rates(network):
    """Return what Finance::Quote gives for amounts and currencies by one of its methods."""
    if shutil.which("perl") is None or network.run("perl", "-MFinance::Quote", "-e", "1").returncode != 0:
        pytest.skip("Finance::Quote is not installed: apt-get install libfinance-quote-perl")
    return lambda method, *pairs: network.json("perl", "-e", PROGRAM, method, *pairs)


def test_open_exchange_rates(rates):
    found = rates("OpenExchange", "100 USD:KGS", "8745 KGS:USD", "1 USD:KZT", "1 XYZ:KGS")
    assert found == [8745, pytest.approx(100), None, None]


def test_fixer(rates):
    assert rates("Fixer", "1 EUR:KGS", "100 EUR:KGS", "1 EUR:KZT", "1 XYZ:KGS") == [101.5076, 10150.76, None, None]
