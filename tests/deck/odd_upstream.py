"""An upstream that sends exactly the bytes that it is told to, piece by piece, over a connection that stays or ends."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable

from playhead.deck.http1.reading import Asked, Reader

#: What is said to one request: the pieces to send, in order. None breaks the connection off, a function is called.
Saying = Iterable[bytes | Callable[[], object] | None]


class OddUpstream:
    """A server on loopback, a thread for each connection; ``say`` gives the pieces for each request."""

    def __init__(self, say: Callable[[Asked], Saying]) -> None:
        self.say = say
        self.asked: list[Asked] = []
        self.gone = threading.Event()  # a client closed its connection while it was being answered
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> OddUpstream:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        reader = Reader()
        with connection:
            while True:
                asked: Asked | None
                while (asked := reader.next()) is None:
                    try:
                        data = connection.recv(65536)
                    except OSError:
                        return
                    if not data:
                        return
                    reader.feed(data)
                self.asked.append(asked)
                for piece in self.say(asked):
                    if piece is None:
                        return
                    if callable(piece):
                        piece()
                        continue
                    try:
                        connection.sendall(piece)
                    except OSError:
                        self.gone.set()
                        return


def framed(pieces: Iterable[bytes], *, end: bool = True) -> list[bytes]:
    """The pieces as chunks of HTTP/1.1."""
    return [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece] + ([b"0\r\n\r\n"] if end else [])


def answer(status: str, *headers: str, body: bytes | None = None) -> bytes:
    """A head, and a body with its length where one is given."""
    lines = [f"HTTP/1.1 {status}", *headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8") + (body or b"")


STREAMED = ("Content-Type: text/event-stream", "Transfer-Encoding: chunked")
