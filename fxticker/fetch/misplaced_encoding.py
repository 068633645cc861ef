"""Misplaced encodings: what servers declare as a content encoding although it is none.

``Content-Encoding: utf-8`` is the common one: a charset that belongs to the content type. The body is as if nothing had
been declared, and to refuse it would lose every poll of such a site. Only names that cannot stand for a compression are
taken so; any other unknown name is refused, because a compressed body has no readable text.
"""

from __future__ import annotations

import re

_MISPLACED = re.compile(
    r"""
    identity | none | null | no | off | plain | text | raw
    | binary | [78]-?bit | quoted-printable                         # encodings of mail that change nothing in a body
    | (?:charset\s*=\s*)?["']?(?:                                   # charsets
        utf-?_?(?:7|8|16|32)(?:-?[lb]e)?(?:-?sig)? | unicode | (?:us-?)?ascii | ansi | latin-?_?[0-9]{1,2}
        | iso[-_]?8859[-_]?[0-9]{1,2} | (?:windows|win|cp)[-_]?[0-9]{3,4} | koi8-?[ru]
    )["']?
    | [a-z]+/[a-z0-9.+-]+(?:\s*;.*)?                                # media types
    """,
    re.VERBOSE,
)


def is_no_encoding(name: str) -> bool:
    """Whether a name among a header's content encodings, in lower case, stands for none."""
    return not name or _MISPLACED.fullmatch(name) is not None
