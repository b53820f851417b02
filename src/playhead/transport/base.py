"""The one method of a transport.

A transport takes a request and gives an answer whose body is still arriving. A wrapper is a transport that holds
another. Nothing is buffered on the way: the bytes of the answer pass through as they come.
"""

from __future__ import annotations

from typing import Protocol

from playhead.wire import HTTPRequest, HTTPResponse


class Transport(Protocol):
    """Moves one HTTP exchange."""

    async def send(self, request: HTTPRequest) -> HTTPResponse:
        """Send, and return when the head of the answer is here.

        Raises:
            TransportError: no answer came.
        """

    async def aclose(self) -> None:
        """Let go of every connection."""
