"""Put: a conditional write of an object whose answer may be lost on the way.

A lost answer leaves open whether the write was done, and a repeated one would then be refused by its own first try. So
whatever came instead of a clear answer is settled by reading the object back: if it has the bytes that were sent, the
write was done; if it is still what was to be replaced, the write is sent again; else another writer came first. A first
try that arrives late, after the second, is refused by its condition.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from fxticker.errors import Conflict, WriteFailed
from fxticker.store.backend import ABSENT, Version
from fxticker.store.object_calls import ConditionFailed, ObjectCalls

if TYPE_CHECKING:
    import pyarrow as pa

PAUSES_S = (0.2, 1.0)
"""Seconds before the second and third try of a write that got no clear answer."""


def put_settled(
    calls: ObjectCalls, store: object, name: str, data: bytes | pa.Buffer, expected: Version | None
) -> Version:
    """Replace an object if it is of the expected version (None for any), and return its version.

    Parameters
    ----------
    calls
        The requests.
    store, name
        For messages, and the object's name.
    data
        The new content.
    expected
        The version to be replaced; `ABSENT` for none.

    Raises
    ------
    Conflict
        If the object is another one.
    WriteFailed
        If the storage refuses, or cannot be reached after all tries. A write that was sent may still arrive.
    """
    unclear: OSError | None = None
    for pause_s in (*PAUSES_S, None):
        try:
            return calls.put(name, data, expected)
        except (ConditionFailed, FileNotFoundError) as error:
            if isinstance(error, OSError) and expected in (None, ABSENT):  # there is no such bucket
                raise WriteFailed(store, name, error) from error
            if unclear is None:
                raise Conflict(store, name) from error
        except PermissionError as error:
            raise WriteFailed(store, name, error) from error
        except OSError as error:
            unclear = error
        present, content = _present(calls, store, name)
        if content is not None and content == bytes(memoryview(data)):
            return present
        if expected not in (None, present):
            raise Conflict(store, name) from unclear
        if pause_s is not None:
            time.sleep(pause_s)
    assert unclear is not None
    raise WriteFailed(store, name, unclear) from unclear


def _present(calls: ObjectCalls, store: object, name: str) -> tuple[Version, bytes | None]:
    """The version and the content that an object has now."""
    try:
        part = calls.get(name)
    except FileNotFoundError:
        return ABSENT, None
    except OSError as error:
        raise WriteFailed(store, name, error) from error
    return part.version, part.data
