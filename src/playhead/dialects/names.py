"""The names of a dialect, each found in the module of its folder that holds it, when it is first used.

Whoever names a provider names its dialect, and no codec is to be loaded by that. So a dialect's ``__init__`` imports
nothing but this, and ends with ::

    __getattr__ = loading(__name__)

which every dialect can, as each keeps the functions of :class:`playhead.dialects.base.Dialect` in modules of the same
names.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

#: Where each name is in a dialect's folder.
_HOMES = {
    "Profile": "profile",
    "decode_error": "errors",
    "decode_request": "inbound",
    "decode_response": "response",
    "decoder": "stream",
    "encode_error": "errors",
    "encode_request": "request",
    "encode_response": "response",
    "encoder": "encoder",
}


def loading(package: str, **more: str) -> Callable[[str], Any]:
    """The ``__getattr__`` of a dialect's package. ``more`` are names that only this one has, and their modules."""
    homes = {**_HOMES, **more}

    def found(name: str) -> Any:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{home}"), name)
        setattr(sys.modules[package], name, value)  # for good, so that it is looked for once
        return value

    return found
