"""Stretched files: gives the captures of WARC files that are read in stretches, and names what could not be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from fxticker.backfill.capture_import import FileCaptures
from fxticker.backfill.captures import Captures, read_captures
from fxticker.backfill.import_progress import ImportProgress, Reached
from fxticker.backfill.import_summary import Refusals
from fxticker.backfill.page_files import FilePage, Page
from fxticker.backfill.stretch_chain import ReaderDied, Reading, StretchChain, Submit
from fxticker.backfill.stretches import Stretch, stretches_of
from fxticker.backfill.warc import WarcReader, allowance_of
from fxticker.errors import ParseError, one_line
from fxticker.sources.source import Source


class Pool(Protocol):
    """Reads stretches elsewhere.

    Attributes
    ----------
    count
        Stretches that are read at the same time.
    """

    count: int

    def submit(self, stretch: Stretch, source: Source, latest: datetime) -> Reading:
        """Have a stretch read by the next process that is free; arguments as of `read_stretch`."""


def planned(pages: Iterable[Page], progress: ImportProgress) -> Iterator[tuple[Page, Stretch | None]]:
    """Yield each WARC file with each of its stretches, and every other page once, with none.

    A file of which an import that was interrupted read a part has the stretches behind that part; one that is empty if
    there are none.
    """
    for page in pages:
        stretches: list[Stretch] = []
        if isinstance(page, FilePage) and page.path.is_file():
            try:
                stretches = _left(list(stretches_of(page.path)), progress.reached(page.path))
            except (OSError, ParseError):  # is named when the page is read
                stretches = []
        if stretches:
            yield from ((page, stretch) for stretch in stretches)
        else:
            yield page, None


def _left(stretches: list[Stretch], reached: Reached | None) -> list[Stretch]:
    if reached is None or not stretches:
        return stretches
    end = stretches[-1].end
    if reached.next is None or reached.next.offset >= end:
        return [replace(stretches[-1], begin=end, is_first=True, allowance=reached.allowance)]
    first, *others = [stretch for stretch in stretches if stretch.end > reached.next.offset]
    return [replace(first, is_first=True, place=reached.next, allowance=reached.allowance), *others]


class StretchedFiles:
    """Files that are read in stretches, one after the other.

    Parameters
    ----------
    submit
        Has stretches read again.
    refused
        Receives names and reasons.
    """

    def __init__(self, submit: Submit, refused: list[tuple[str, str]]) -> None:
        self._submit = submit
        self._refused = refused
        self._refusals = Refusals(refused)
        self._chain: StretchChain | None = None
        self._is_readable = True

    def parts(self, name: str, stretch: Stretch, reading: Reading | None) -> Iterator[FileCaptures | Reached]:
        """Yield the captures of the next stretch of a file, or the first one of the next file, and how far it was read.

        `reading` is `None` for an empty stretch.
        """
        try:
            if stretch.is_first:
                self._is_readable = True
                self._refusals = Refusals(self._refused)
                with Path(stretch.path).open("rb") as file:
                    self._chain = StretchChain(stretch.allowance or allowance_of(file), self._submit, stretch.place)
            if self._is_readable and self._chain and reading is not None:
                for captures in self._chain.take(stretch, reading):
                    yield FileCaptures(name, captures, self._refusals)
                if self._chain.is_whole:
                    yield Reached(stretch.path, self._chain.next, self._chain.allowance)
        except ReaderDied as error:
            self._refusals.add(f"{name} at bytes {stretch.begin} to {stretch.end}", one_line(error))
        except (ParseError, OSError) as error:
            self._is_readable = False
            self._refused.append((name, getattr(error, "strerror", None) or str(error)))
        if stretch.is_last:
            self._refusals.close(name, "unusable records")


def read_before(resumed: ImportProgress, source: Source, latest: datetime) -> Iterator[Captures]:
    """Yield the captures of files that an import read that was interrupted."""
    for reached in resumed.continued:
        end = None if reached.next is None else reached.next.offset + 1
        with Path(reached.path).open("rb") as file:
            yield from read_captures(WarcReader(file, end=end), source, latest)
