"""Faults of an object storage: requests that fail on demand, before or after they are done."""

import errno

from fxticker.store.object_calls import ObjectCalls
from fxticker.store.object_storage import ObjectStorage

LOST = OSError(errno.EIO, "the connection was closed before the answer")


class WatchedObjectCalls(ObjectCalls):
    """The requests, each noted in `made`, after `before(kind, name)` and before `after(kind, name)`; both may raise."""

    def __init__(self, objects):
        super().__init__(objects)
        self.made = []
        self.received_bytes = self.sent_bytes = 0

    def before(self, kind, name):
        pass

    def after(self, kind, name):
        pass

    def _make(self, kind, name, call):
        self.made.append((kind, name))
        self.before(kind, name)
        result = call()
        self.after(kind, name)
        return result

    def get(self, name, **options):
        part = self._make("get", name, lambda: ObjectCalls.get(self, name, **options))
        self.received_bytes += len(part.data)
        return part

    def put(self, name, data, expected):
        self.sent_bytes += len(memoryview(data))
        return self._make("put", name, lambda: ObjectCalls.put(self, name, data, expected))

    def list(self, prefix):
        return self._make("list", prefix, lambda: ObjectCalls.list(self, prefix))

    def folders(self, prefix):
        return self._make("folders", prefix, lambda: ObjectCalls.folders(self, prefix))

    def delete(self, name):
        return self._make("delete", name, lambda: ObjectCalls.delete(self, name))


class FaultyObjectCalls(WatchedObjectCalls):
    """Requests of which one, counted from now, raises a fault: odd steps before it is done, even ones after."""

    def __init__(self, objects):
        super().__init__(objects)
        self.heal()

    def fail(self, step, fault, *, lasting=False):
        self._left, self._fault, self._lasting = step, fault, lasting
        self.has_failed = False

    def heal(self):
        self._left, self._fault, self._lasting = None, None, False
        self.meanwhile = None

    def before(self, kind, name):
        if kind == "put" and name.endswith(".parquet") and self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        self._count_call()

    def after(self, kind, name):
        self._count_call()

    def _count_call(self):
        if self._left is None:
            return
        self._left -= 1
        if self._left == 0:
            self._left = 1 if self._lasting else None
            self.has_failed = True
            raise self._fault


class LosingCalls(WatchedObjectCalls):
    """Requests that each lose what `lost` says, in turn: "request", "answer" or None; then nothing is lost."""

    def __init__(self, objects, *lost, kind="put"):
        super().__init__(objects)
        self.lost, self._kind = list(lost), kind
        self._loses = None

    def before(self, kind, name):
        if kind == self._kind:
            self._loses = self.lost.pop(0) if self.lost else None
            if self._loses == "request":
                raise LOST

    def after(self, kind, name):
        if kind == self._kind and self._loses == "answer":
            raise LOST


def in_memory(calls=WatchedObjectCalls, *arguments):
    """An object storage in memory, and its calls."""
    from obstore.store import MemoryStore

    made = calls(MemoryStore(), *arguments)
    return ObjectStorage(made, "memory"), made
