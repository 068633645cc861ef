"""Tables: a caption, headings of columns and rows, and a frame that scrolls where a screen is narrower."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fxticker.report.html import Content, Html, element


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    head
        Its heading.
    is_number
        Whether its cells are aligned at the right.
    """

    head: str
    is_number: bool = False


def table(caption: str, columns: Sequence[Column], rows: Iterable[Sequence[Content]], *, class_: str = "") -> Html:
    """Return a table whose first column heads its rows.

    Parameters
    ----------
    caption
        What it shows.
    columns
        Its columns.
    rows
        A cell for each column.
    class_
        A class of the style sheet.
    """
    head = element("tr", *(element("th", column.head, scope="col", class_=_class(column)) for column in columns))
    body = [
        element(
            "tr",
            element("th", row[0], scope="row"),
            *(element("td", cell, class_=_class(column)) for cell, column in zip(row[1:], columns[1:], strict=True)),
        )
        for row in rows
    ]
    whole = element(
        "table", element("caption", element("span", caption)), element("thead", head), element("tbody", *body)
    )
    return element("div", whole, class_=f"scroll {class_}".strip(), role="region", aria_label=caption, tabindex="0")


def _class(column: Column) -> str | None:
    return "number" if column.is_number else None
