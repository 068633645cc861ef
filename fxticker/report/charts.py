"""Charts of a report: figures as inline SVG for a light and a dark page, with title and caption as text of the page."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

from matplotlib.figure import Figure

from fxticker.charts.style import Theme
from fxticker.report.html import Html, element, joined

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "{http://www.w3.org/1999/xlink}href"
_REFERENCE = re.compile(r"url\(#")
_NOT_DRAWN = ("metadata", "style")
"""Elements of matplotlib's SVG that have no place in a page: a style of it would be one of the whole page."""
ET.register_namespace("", _SVG)
ET.register_namespace("xlink", _XLINK[1:].partition("}")[0])


def chart(name: str, what: str, draw: Callable[[Theme], Figure]) -> Html:
    """Return a chart with its title and caption.

    Parameters
    ----------
    name
        A name of its own on the page.
    what
        What it shows, in a few words that no other chart of the page has.
    draw
        Draws it in a theme.

    Returns
    -------
    Html
        A figure whose two pictures, of which the style sheet shows one, have as their label what the chart shows and
        its title. Title and caption are taken out of the pictures and are text of the page, which breaks where that
        does.
    """
    themes: tuple[Theme, ...] = ("light", "dark")
    figures = {theme: draw(theme) for theme in themes}
    (title, caption), _ = (_without_words(figure) for figure in figures.values())
    label = f"Chart of {what}: {title}"
    pictures = [_svg(figure, f"{name}-{theme}", label, theme) for theme, figure in figures.items()]
    words = joined(element("strong", f"{title}."), f" {caption}")
    frame = element("div", *pictures, class_="scroll", role="region", aria_label=label, tabindex="0")
    return element("figure", frame, element("figcaption", words))


def _without_words(figure: Figure) -> tuple[str, str]:
    """Take title and caption out of a figure, and return them."""
    words = (figure.get_suptitle(), figure.get_supxlabel())
    figure.suptitle("")
    figure.supxlabel("")
    title, caption = (text.replace("\n", " ") for text in words)
    return title, caption


def _svg(figure: Figure, name: str, label: str, theme: str) -> Html:
    """Return a figure as an element whose ids begin with a name, for several charts share a page."""
    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    root = ET.fromstring(file.getvalue())  # noqa: S314 - matplotlib made it
    for found in [*root.iter()]:
        for child in [*found]:
            if child.tag in {f"{{{_SVG}}}{tag}" for tag in _NOT_DRAWN}:
                found.remove(child)
        _rename(found, name)
    for size in ("width", "height"):
        del root.attrib[size]
    root.attrib |= {"role": "img", "aria-label": label, "class": f"{theme} chart"}
    return Html(ET.tostring(root, encoding="unicode"))


def _rename(found: ET.Element, name: str) -> None:
    for key, value in found.attrib.items():
        if key == "id":
            found.set(key, f"{name}-{value}")
        elif key == _XLINK:
            found.set(key, f"#{name}-{value.removeprefix('#')}")
        elif "url(#" in value:
            found.set(key, _REFERENCE.sub(f"url(#{name}-", value))
