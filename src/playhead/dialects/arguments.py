"""A call's arguments where a wire wants a JSON object, and the model may have written something else.

The vocabulary keeps arguments as the text that the model wrote. A wire that takes objects only is given that text as it
stands where it is one, so that no byte changes; anything else goes back wrapped in an object, under the key that
Anthropic's documentation of fine-grained tool streaming advises.
"""

from __future__ import annotations

from typing import Any

import msgspec

#: The key that arguments are wrapped in which are no JSON object.
BROKEN_INPUT = "INVALID_JSON"


def encode_input(arguments: str) -> tuple[Any, bool]:
    """A call's ``input``, and whether the arguments were a JSON object; none at all is ``{}``."""
    if not arguments.strip():
        return {}, True
    try:
        if isinstance(msgspec.json.decode(arguments), dict):
            return msgspec.Raw(arguments.encode()), True
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        pass
    return {BROKEN_INPUT: arguments}, False
