"""Bytes as the base64 that all wires write, the standard alphabet, padded and without line ends; and back.

Reading is strict where the text must come back as it was: one that another encoder wrote is left to whoever has it.
"""

from __future__ import annotations

import binascii


def encode_base64(data: bytes) -> str:
    """The standard alphabet, padded, without line ends."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def decode_base64(text: str) -> bytes | None:
    """The bytes, or None where encoding them again would give another text."""
    try:
        data = binascii.a2b_base64(text)
    except ValueError:
        return None
    return data if encode_base64(data) == text else None
