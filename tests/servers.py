"""Servers on loopback that misbehave on the wire, as no well-meaning HTTP server can be told to."""

import contextlib
import socket
import struct
import threading

_CONNECTIONS = 100
_HEAD_BYTES = 65_536


class Exchange:
    """One connection's side of the conversation, after the request was read."""

    def __init__(self, connection, stopped):
        self._connection = connection
        self._stopped = stopped

    def send(self, data):
        self._connection.sendall(data)

    def pause(self, seconds):
        """Keep silent, but not longer than the server lives."""
        self._stopped.wait(seconds)

    def drip(self, pieces, pause_s):
        """Send pieces one by one until all are sent or the server is stopped."""
        for piece in pieces:
            if self._stopped.is_set():
                return
            self.send(piece)
            self.pause(pause_s)

    def reset(self):
        """End the connection with a reset instead of a close."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()

    def wait_for_close(self):
        """Whether the other side ends the connection within a few seconds."""
        try:
            return self._connection.recv(1) == b""
        except TimeoutError:
            return False


class RawServer:
    """Lets `answer(exchange)` say what is sent to each connection; `requests` are the heads received."""

    def __init__(self, answer):
        self._answer = answer
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self._threads = []
        self.requests = []
        self.asked = threading.Event()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"

    def __enter__(self):
        self._start(self._listen)
        return self

    def __exit__(self, *_error):
        self._stopped.set()
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def _start(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _listen(self):
        while not self._stopped.is_set() and len(self.requests) < _CONNECTIONS:
            with contextlib.suppress(TimeoutError):
                connection, _ = self._listener.accept()
                self._start(self._serve, connection)

    def _serve(self, connection):
        # That a client goes away in the middle is what some tests are about.
        with connection, contextlib.suppress(OSError):
            connection.settimeout(5)
            self.requests.append(connection.recv(_HEAD_BYTES).decode("latin-1"))
            self.asked.set()
            self._answer(Exchange(connection, self._stopped))


@contextlib.contextmanager
def refusing_url():
    """A loopback address where nothing listens: the port is taken, so that nobody else gets it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/"
