"""A gate before what really goes out: something is asked, and may wait or refuse, before each live send.

It stands below the tape, so that what is played from one passes no gate.
"""

from __future__ import annotations

from typing import Protocol

from playhead.errors import TransportError
from playhead.transport.base import Transport
from playhead.wire import HTTPRequest, HTTPResponse


class Gate(Protocol):
    """Asked before a request is sent."""

    async def enter(self, request: HTTPRequest) -> None:
        """May wait; what it raises is raised by the send."""

    def unsent(self) -> None:
        """What had entered was not sent after all: there was no connection."""


class GateTransport:
    """Sends through ``inner`` what ``gate`` lets pass."""

    def __init__(self, inner: Transport, gate: Gate) -> None:
        self.inner = inner
        self.gate = gate

    async def send(self, request: HTTPRequest) -> HTTPResponse:
        """Send when the gate is passed.

        Raises:
            TransportError: no answer came.
        """
        await self.gate.enter(request)
        try:
            return await self.inner.send(request)
        except TransportError as error:
            if not error.sent:
                self.gate.unsent()
            raise

    async def aclose(self) -> None:
        """Close the transport inside."""
        await self.inner.aclose()
