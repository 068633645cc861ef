"""Code blocks of a page of the documentation, by the heading above them: the checks run what a reader would."""

import re
from pathlib import Path


def blocks(page, heading, language):
    """The blocks in a language between a heading and the next one, in their order."""
    text = Path(page).read_text("utf-8")
    section = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", text, re.MULTILINE | re.DOTALL)
    return re.findall(rf"^```{language}\n(.*?)^```", section[1], re.MULTILINE | re.DOTALL)
