"""Markdown of a page as it is put beside the page: what only Sphinx understands is written out or left out."""

from __future__ import annotations

import inspect
import re
from pkgutil import resolve_name

_TOCTREE = re.compile(r"\n*^```\{toctree\}.*?^```$", re.MULTILINE | re.DOTALL)
_DIRECTIVE = re.compile(r"^```\{eval-rst\}\n\.\. auto(\w+):: (\S+)\n.*?^```$", re.MULTILINE | re.DOTALL)


def plain_markdown(text: str) -> str:
    """Return the text of a page with signatures and docstrings in place of directives, and without the navigation."""
    return _DIRECTIVE.sub(lambda match: _written_out(match[2]), _TOCTREE.sub("", text)).rstrip() + "\n"


def _written_out(name: str) -> str:
    value = resolve_name(name)
    parts = [f"### {name}{_signature(value)}", _docstring(value)]
    if inspect.isclass(value):
        members = ((key, inspect.getattr_static(value, key)) for key in vars(value) if not key.startswith("_"))
        for key, member in members:
            function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
            if inspect.isfunction(function):
                signature = "" if isinstance(member, property) else _signature(function)
                parts += [f"#### {name}.{key}{signature}", _docstring(function)]
    return "\n\n".join(parts)


def _signature(value: object) -> str:
    if inspect.isclass(value) and issubclass(value, BaseException | str):
        return ""
    return str(inspect.signature(value))


def _docstring(value: object) -> str:
    return f"```text\n{inspect.getdoc(value)}\n```"
