"""A client that does next to nothing: bytes out over a socket, an answer back, read as HTTP/1.1 has it."""

from __future__ import annotations

import json
import socket
from typing import Any, NamedTuple


class Got(NamedTuple):
    """One answer; ``whole`` is False where the connection ended before the body did, ``chunks`` are as they came."""

    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool
    chunks: tuple[bytes, ...]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """One connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.file = self.socket.makefile("rb")

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def ask(self, path: str, body: bytes = b"", method: str = "POST", **headers: str) -> Got:
        """One exchange; ``x_api_key="…"`` is the header ``x-api-key``."""
        self.send(request(path, body, method, **headers))
        return self.read(method)

    def read(self, method: str = "POST") -> Got:
        """The next answer."""
        status = int(self.file.readline().split()[1])
        headers: dict[str, str] = {}
        while (line := self.file.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode("utf-8").partition(":")
            headers[name.lower()] = value.strip()
        if method == "HEAD" or status in (100, 204, 304):
            return Got(status, headers, b"", True, ())
        if headers.get("transfer-encoding") == "chunked":
            return self._chunked(status, headers)
        if "content-length" in headers:
            body = self.file.read(int(headers["content-length"]))
            return Got(status, headers, body, len(body) == int(headers["content-length"]), (body,))
        body = self.file.read()
        return Got(status, headers, body, True, (body,))

    def _chunked(self, status: int, headers: dict[str, str]) -> Got:
        chunks: list[bytes] = []
        while line := self.file.readline():
            size = int(line, 16)
            data = self.file.read(size)
            self.file.readline()
            if not size:
                return Got(status, headers, b"".join(chunks), True, tuple(chunks))
            chunks.append(data)
        return Got(status, headers, b"".join(chunks), False, tuple(chunks))


def request(path: str, body: bytes = b"", method: str = "POST", **headers: str) -> bytes:
    """A request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: test", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def ask(port: int, path: str, body: bytes = b"", method: str = "POST", **headers: str) -> Got:
    """One exchange on a connection of its own."""
    with Wire(port) as wire:
        return wire.ask(path, body, method, **headers)
