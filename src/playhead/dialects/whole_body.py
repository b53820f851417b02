"""An answer in one piece where a stream was asked for: kept until it has all come, up to a limit.

A server that does not stream although asked sends one JSON body, and nothing can be decoded of it before its end. How
much of it is kept is limited, so that a server that never ends does not fill the memory.
"""

from __future__ import annotations

from playhead.dialects.base import Endpoint
from playhead.errors import ProtocolError

#: The largest body that is kept, in bytes. Some images in base64 are tens of megabytes; no answer comes near this.
MAX_BODY_BYTES = 256 * 1024 * 1024


class WholeBody:
    """The pieces of a body that is no stream."""

    __slots__ = ("_endpoint", "_pieces", "_size")

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._pieces: list[bytes] = []
        self._size = 0

    def append(self, data: bytes) -> None:
        """Keep one piece more.

        Raises:
            ProtocolError: the body grew over the limit; what came of it is let go.
        """
        self._size += len(data)
        if self._size > MAX_BODY_BYTES:
            self._pieces.clear()
            raise ProtocolError(
                f"an answer of at most {MAX_BODY_BYTES:,} bytes expected where no stream comes, a larger one came",
                provider=self._endpoint.provider,
            )
        self._pieces.append(data)

    def joined(self) -> bytes:
        """All of it."""
        return b"".join(self._pieces)
