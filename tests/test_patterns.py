"""Regular expressions match alike in all supported versions of Python.

Python 3.11.0 to 3.11.4, that of Debian 12 among them, matches a group with a possessive quantifier, ``(…)*+``, wrongly
where the group may fail after its first character: what it has consumed then stays consumed (CPython's gh-106052). An
atomic group, ``(?>(…)*)``, is the same and is right in all of them. As it takes some hundred bytes for each repetition,
it is not for what a page may repeat a million times: both `_ATTRIBUTES` stay possessive, as their group never fails
after its first character, and what ends with a mark is ``(?>.*?mark)``.
"""

import importlib
import pkgutil
import re
import tracemalloc
from re import _constants, _parser

import pytest

import fxticker
from fxticker.sources import markup
from fxticker.sources.html import page_text
from fxticker.sources.timesca import evidence

MODULES = [
    module.name for module in pkgutil.walk_packages(fxticker.__path__, "fxticker.") if "__main__" not in module.name
]


def possessive_groups(parsed):
    """The possessive quantifiers of a parsed expression that repeat more than one character."""
    for operation, argument in parsed:
        parts = argument if isinstance(argument, (tuple, list)) else [argument]
        below = [part for part in parts if isinstance(part, _parser.SubPattern)]
        below += [
            part for inner in parts if isinstance(inner, list) for part in inner if isinstance(part, _parser.SubPattern)
        ]
        if operation is _constants.POSSESSIVE_REPEAT:
            [(inner, _)] = below[0] if len(below[0]) == 1 else [(_constants.SUBPATTERN, None)]
            if inner not in (_constants.IN, _constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY):
                yield operation
        for part in below:
            yield from possessive_groups(part)


@pytest.mark.parametrize(
    ("pattern", "count"), [("a*+[^b]?+", 0), ("(?:ab|c)*+", 1), ("((?:ab)++|[(]){2}", 1), ("(?>(ab)*)", 0)]
)
def test_possessive_group_is_found(pattern, count):
    assert len([*possessive_groups(_parser.parse(pattern))]) == count


@pytest.mark.parametrize("name", MODULES)
def test_no_pattern_has_a_possessive_group(name):
    patterns = [value for value in vars(importlib.import_module(name)).values() if isinstance(value, re.Pattern)]
    assert [each.pattern for each in patterns if [*possessive_groups(_parser.parse(checked(each), each.flags))]] == []


def checked(pattern):
    """A pattern's text without the attributes of tags."""
    never_failing = markup._ATTRIBUTES if isinstance(pattern.pattern, str) else evidence._ATTRIBUTES
    return pattern.pattern.replace(never_failing, never_failing[:0])


@pytest.mark.parametrize("part", ["<a", "<", "</", "-", "="])
def test_page_that_repeats_what_may_end_an_element_takes_little_memory(part):
    page = f"<!doctype html><script>{part * 100_000}</script><!--{part * 100_000}--><b {part * 100_000}>x"
    tracemalloc.start()
    assert page_text(page).strip() == "x"
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 20 * len(page)
