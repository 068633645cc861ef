"""Source mybank: who sets its rates, what they are of, and for which day a rate is printed."""

from collections.abc import Mapping

from fxticker.sources import Kind, Snapshot, Source
from fxticker.sources.bank import listed, quoted, read_day
from fxticker.sources.documents import read_xml


def parse(body: bytes, headers: Mapping[str, str]) -> Snapshot:
    """Read the list of a day; texts stay as printed."""
    root = read_xml(body, headers, root="rates")
    found = listed(root.all("item"), lambda item: item.texts_of("title"), ("USD",))
    dollar = found.item_of("USD")
    tick = quoted("USD/KZT", dollar.text_of("description"), nominal=dollar.text_of("quant"))
    return Snapshot((tick,), read_day(root.text_of("date")), 1, found.remarks)


SOURCE = Source(
    id="mybank",
    url="https://mybank.example/rates.xml",
    every="6h",
    terms_url="https://mybank.example/terms",
    media_types=frozenset(["text/xml", "application/xml"]),
    stale_after_days=6,
    parse=parse,
    kind=Kind.OFFICIAL,
)
