"""Root: what the server is, which shapes it has, and its present."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from fxticker.model.timestamps import iso_text
from fxticker.web.answers import Answer, Keep, json_answer
from fxticker.web.view import View


def root(view: View) -> Answer:
    """Answer ``/``."""
    content: dict[str, Any] = {
        "name": "fxticker",
        "description": "Rates of Central Asian currencies as they were printed, with their rounding error",
        "version": version("fxticker"),
        "versions": {"v1": {"path": "/v1"}, "v2": {"path": "/v2"}},
        "other_shapes": {"Open Exchange Rates": {"path": "/latest.json"}, "Fixer": {"path": "/fixer/latest"}},
        "now": iso_text(view.now.replace(microsecond=0)),
        "is_now_frozen": view.is_frozen,
        "sources": sorted(view.catalogue.sources),
    }
    return json_answer(content, keep=Keep.LATEST)
