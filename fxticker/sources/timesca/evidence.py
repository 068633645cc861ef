"""Evidence of a page's ticker: the bytes around it and the open tags that can hide it, without the page's articles.

A page has some 150 kB and its ticker 5. Its copies stand in one or a few groups, in which no words stand between two
codes. The bytes of a group are kept as they are, from its first code to the end of the date behind it; the tags of the
elements that it lies in stand before it, with the attributes that can hide and no others, and are closed behind it.
What lies between two groups is left out.

No piece is kept on trust: the parser has to read the same snapshot in it as in the page. The end of a group moves on
tag by tag until it does. Where no piece of the bytes does, an excerpt of the page's text is tried, which has lost what
the markup hides. A later parser may read more: so codes that were not read belong to a group as well, and no group ends
before digits, which may belong to its last rate.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

import numpy as np

from fxticker.errors import ParseError
from fxticker.model.records import Evidence, Snapshot
from fxticker.sources.evidence import is_same, read_piece
from fxticker.sources.html import charset_of, is_html, page_text
from fxticker.sources.timesca.candidate import MIN_PAIRS

MAX_PIECE_BYTES = 65_536
"""Largest piece: ten times the 40 entries of a real page with their tags."""
_GAP_BYTES = 4_000
"""Bytes between two codes of one group at most: an entry with its tags and links has some 200."""
_STEPS = (*range(1, 9), 12, 16)
"""How many texts or lines behind the last code are taken in: the fewest that give the same snapshot."""
_MAX_GROUPS = 64
_MAX_CODES = 20_000
"""Groups and codes of a page: what is looked at before it is given up; a real one has 40 codes in one or two groups."""
_MAX_OPEN = 200
"""Elements inside of one another that are followed, several times as many as on any page."""
_MAX_ATTRIBUTE_BYTES = 300
"""A longer style is cut off with its attribute: it is no plain `display` or `visibility`."""
_ATTRIBUTES = rb"""(?:=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))|[^>=]++|=)*+(?:>|\Z)"""
_RAWS = rb"(?:script|style|title|textarea|noembed|noframes|iframe|xmp)"
_RAW = _RAWS + rb"(?=[\s/>])"
_RAW_NAME = re.compile(_RAWS, re.IGNORECASE)
_TOKEN = re.compile(  # of a script a thousand `<` are passed over with the text before each, the rest by characters
    rb"<(?:(?P<slash>/|(?!" + _RAW + rb"))(?P<name>[a-z][^\s/>]*+)(?P<attributes>" + _ATTRIBUTES + rb")"
    rb"|(?P<raw>"
    + _RAW
    + rb")"
    + _ATTRIBUTES
    + rb"(?>(?:(?-i:[^<]*+)<(?!/(?P=raw)[\s/>])){0,1000}(?-i:[^<]*+)(?s:.*?)(?=</(?P=raw)[\s/>]|\Z))(?:</(?P=raw)"
    + _ATTRIBUTES
    + rb"|\Z)"
    rb"|!--(?:>|->|(?>(?s:.*?)(?:--!?>|\Z)))|[!?/][^>]*+(?:>|\Z))",
    re.IGNORECASE,
)
_HIDING = re.compile(
    rb"""(?:^|[\s"'/])(hidden|popover|open|shadowrootmode|style)(?=[\s=/>]|\Z)"""
    rb"""(\s*+=\s*+(?:"[^"<>]*+"|'[^'<>]*+'|[^\s"'<>=`]++))?""",
    re.IGNORECASE,
)
_VOID = frozenset(b"area base br col embed hr img input link meta param source track wbr".split())
_NEAR_BYTES, _CODE_BYTES = 40, 600
"""Bytes before a second code in which the first one begins: it and the slash, and a few tags at most."""
_BETWEEN = rb"(?>(?:\s++|<[^<>]{0,300}>){0,1000})"
_CODE = re.compile(rb"(?<![A-Za-z])([A-Z]{3})" + _BETWEEN + b"/" + _BETWEEN + rb"\Z")
_REFERENCE = re.compile(rb"&[#A-Za-z0-9]{1,32}+;")
_WORD_OR_MARKUP = re.compile(r"""[^\W\d_]|["'>]""")
"""A word, or the end of a tag or comment whose begin is not there."""
_LINE_END = re.compile(rb"\n|\Z")


def find_evidence(
    body: bytes,
    headers: Mapping[str, str],
    snapshot: Snapshot,
    *,
    parse: Callable[[bytes, Mapping[str, str]], Snapshot],
) -> Evidence | None:
    """Return the smallest piece of a page that is read as the page is; None if none of `MAX_PIECE_BYTES` is.

    Parameters
    ----------
    body, headers
        The page; headers by lower-case name.
    snapshot
        What `parse` read in it.
    parse
        The parser of the pages.
    """
    charset, _ = charset_of(body, headers)
    media_type, pieces = ("text/plain", _pieces_of_text(body, charset, snapshot))
    if is_html(body.decode("latin-1")):
        media_type, pieces = ("text/html", _pieces_of_html(body, charset, snapshot))
    for piece in pieces:
        if evidence := _if_read_alike(Evidence(media_type, charset, piece), snapshot, parse):
            return evidence
    for piece in _pieces_of_text(page_text(body, headers).encode(errors="replace"), "utf-8", snapshot):
        if evidence := _if_read_alike(Evidence("text/plain", "utf-8", piece), snapshot, parse):
            return evidence
    return None


def _if_read_alike(
    evidence: Evidence, snapshot: Snapshot, parse: Callable[[bytes, Mapping[str, str]], Snapshot]
) -> Evidence | None:
    read = read_piece(parse, evidence)
    return evidence if not isinstance(read, ParseError) and is_same(read, snapshot) else None


def _pieces_of_html(body: bytes, charset: str, snapshot: Snapshot) -> Iterator[bytes]:
    """Yield pieces to try, the fewest bytes first."""
    places = _groups(body, charset, snapshot)
    for steps in (_STEPS[:2], _STEPS[2:]) if places else ():  # most pages need no more than the first ones
        groups = _in_text(body, charset, places, steps[-1])
        limits = [*(group.start for group in groups[1:]), len(body)][: len(groups)]
        ends = [
            [end for end in group.ends if end <= limit] or [limit] for group, limit in zip(groups, limits, strict=True)
        ]
        for step in steps if groups else ():
            parts = [
                b"".join([*group.tags, body[group.start : own[min(step, len(own)) - 1]], *_closed(group.tags)])
                for group, own in zip(groups, ends, strict=True)
            ]
            if len(piece := b"<hr>".join(parts)) <= MAX_PIECE_BYTES:
                yield piece
            if step >= max(map(len, ends)):
                return


def _pieces_of_text(text: bytes, charset: str, snapshot: Snapshot) -> Iterator[bytes]:
    """Yield pieces of a plain text to try, the fewest bytes first."""
    groups = _groups(text, charset, snapshot)
    for step in _STEPS if groups else ():
        parts = [text[start : _line_end(text, charset, end, step)] for start, end in groups]
        if len(piece := b"\n\n".join(parts) + b"\n") <= MAX_PIECE_BYTES:
            yield piece


def _groups(body: bytes, charset: str, snapshot: Snapshot) -> list[tuple[int, int]]:
    """Where groups with most pairs of a snapshot stand, each from its first code to the end of its last."""
    groups: list[list[_Code]] = []
    for code in _codes(body, snapshot):
        gap = range(groups[-1][-1].end, code.start) if groups else range(0)
        if groups and len(gap) <= _GAP_BYTES and not _is_parted(body[gap.start : gap.stop], charset):
            groups[-1].append(code)
        else:
            groups.append([code])
    pairs = {tick.pair.encode() for tick in snapshot.ticks}
    fewest = min(MIN_PAIRS, len(pairs))
    whole = [group for group in groups if len(pairs.intersection(code.pair for code in group)) >= fewest]
    return [(group[0].start, group[-1].end) for group in whole] if len(whole) <= _MAX_GROUPS else []


class _Code(NamedTuple):
    """A pair in a page, and where it stands, tags between its parts included."""

    start: int
    end: int
    pair: bytes


def _codes(body: bytes, snapshot: Snapshot) -> list[_Code]:
    """Where pairs stand with a quote currency of a snapshot, whether they are in it or not; none if too many."""
    found: list[_Code] = []
    for end, quote in islice(_quotes(body, snapshot), _MAX_CODES):
        before = end - len(quote)
        first = _first_code(body[max(0, before - _NEAR_BYTES) : before])
        if first is None or first[0] == _NEAR_BYTES:
            first = _first_code(body[max(0, before - _CODE_BYTES) : before])
        if first:
            start = before - first[0]
            while found and found[-1].start >= start:  # one in a comment between the slash and the second code
                found.pop()
            found.append(_Code(start, end, b"%s/%s" % (first[1], quote)))
    return found if len(found) < _MAX_CODES else []


@lru_cache(maxsize=512)  # copies repeat what stands before their second codes, and so do the pages of a day
def _first_code(before: bytes) -> tuple[int, bytes] | None:
    """How far before a second code the first one begins, and that code; None if there is none."""
    match = _CODE.search(before)
    return None if match is None else (len(before) - match.start(), match[1])


def _quotes(body: bytes, snapshot: Snapshot) -> list[tuple[int, bytes]]:
    """Where the quote currencies of a snapshot end in a page, in order, and which they are."""
    found = []
    letters = np.frombuffer(body, np.uint8)
    for quote in {tick.pair.partition("/")[2].encode() for tick in snapshot.ticks}:
        places = np.flatnonzero(letters == quote[0])  # a third of the time that a search from byte to byte takes
        for offset in (1, 2):
            places = places[places < len(body) - offset]
            places = places[letters[places + offset] == quote[offset]]
        ends = (places + len(quote)).tolist()
        found += [(end, quote) for end in ends if not body[end : end + 1].isalpha()]
    return sorted(found)


@lru_cache(maxsize=512)
def _is_parted(between: bytes, charset: str) -> bool:
    """Whether two codes belong to different groups: words stand between them, or one lies in a tag or script."""
    tokens = [*_TOKEN.finditer(between)]
    is_cut = bool(tokens) and tokens[-1].end() == len(between) and not between.endswith(b">")
    is_script = any(token["slash"] and _RAW_NAME.fullmatch(token["name"]) for token in tokens)
    return is_cut or is_script or _has_words(_TOKEN.sub(b"", between), charset)


def _has_words(text: bytes, charset: str) -> bool:
    return _WORD_OR_MARKUP.search(_REFERENCE.sub(b"", text).decode(charset, errors="replace")) is not None


class _Group(NamedTuple):
    """A group of codes in the text of a page.

    Attributes
    ----------
    start
        Where its first code begins.
    tags
        Begin tags of the elements that are open there, with the attributes that can hide.
    ends
        Ends of the first tag behind each text that follows its last code: where it may end. A text of digits alone
        belongs to the text before.
    """

    start: int
    tags: Sequence[bytes]
    ends: Sequence[int]


def _in_text(body: bytes, charset: str, places: Sequence[tuple[int, int]], steps: int) -> list[_Group]:
    """Return the groups at some places that begin in text, and not in a tag, comment or script.

    The last one has `steps` ends and one more, if the page has: what follows an end may belong to the text before.
    """
    groups: list[_Group] = []
    opened: list[tuple[bytes, re.Match[bytes]]] = []
    ends: list[int] = []
    waiting = list(places)
    last = before = 0
    while token := _TOKEN.search(body, before):
        while waiting and waiting[0][0] < token.end():
            start, end = waiting.pop(0)
            if start < token.start():
                ends, last = [], end
                groups.append(_Group(start, [_hiding_tag(each) for _, each in opened], ends))
                if not waiting:
                    token = _TOKEN.search(body, start + _last_token(body[start:end])) or token
        if groups and token.start() >= last and (text := body[max(before, last) : token.start()]).strip():
            if ends and token.end() - last <= _GAP_BYTES and not _has_words(text, charset):
                ends.pop()
            ends.append(token.end())
        if not waiting and (not groups or len(ends) > steps):
            break
        before = token.end()
        if waiting and (name := token["name"]) is not None:
            _follow(opened, token, name.lower())
    groups += [_Group(start, [_hiding_tag(each) for _, each in opened], []) for start, _ in waiting]
    return groups


@lru_cache(maxsize=64)  # pages of a day have the same ticker
def _last_token(group: bytes) -> int:
    """Where the last token of a group begins; 0 if it has none."""
    return max((token.start() for token in _TOKEN.finditer(group)), default=0)


def _follow(opened: list[tuple[bytes, re.Match[bytes]]], token: re.Match[bytes], name: bytes) -> None:
    """Open an element, or close it with all that is open in it; an end tag of none that is open changes nothing."""
    if not token["slash"]:
        if name not in _VOID and len(opened) < _MAX_OPEN:
            opened.append((name, token))
    elif any(name == each for each, _ in opened):
        while opened.pop()[0] != name:
            pass


def _hiding_tag(token: re.Match[bytes]) -> bytes:
    found = {match[1].lower(): match[2] or b"" for match in _HIDING.finditer(token["attributes"])}
    kept = (b" %s%s" % (name, value) for name, value in found.items() if len(value) <= _MAX_ATTRIBUTE_BYTES)
    return b"<%s%s>" % (token["name"].lower(), b"".join(kept))


def _closed(tags: Sequence[bytes]) -> list[bytes]:
    return [b"</%s>" % tag[1:-1].split()[0] for tag in reversed(tags)]


def _line_end(text: bytes, charset: str, place: int, lines: int) -> int:
    """Where some lines end, with the lines of digits alone behind them."""
    limit = place + _GAP_BYTES
    while place < len(text):
        match = _LINE_END.search(text, place)
        assert match is not None  # the pattern matches at the end at the latest
        if lines <= 0 and (match.end() > limit or _has_words(text[place : match.end()], charset)):
            break
        place, lines = match.end(), lines - 1
    return place
