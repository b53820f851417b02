"""What the library says of its arguments, said of the command's options.

Errors name what a Python caller would write (``pass base_url=``, ``mode='resume'``). On the command line there is no
such thing, so what is shown goes through here first::

    reworded("no key: … is not set. Set it, or pass api_key=") -> "no key: … is not set: export NAME=…"

A phrase that is not in the table is shown as it is; tests hold each of them against the library's own words.
"""

from __future__ import annotations

import re

_PHRASES = (
    (
        r"environment variable ([A-Z0-9_]+)(.*) is not set\. Set it, or pass api_key=",
        r"environment variable \1\2 is not set: export \1=…",
    ),
    (r",? or pass api_key=\S*", ""),
    (r'pass base_url="([^"]+)"', r"give --base-url \1"),
    (
        r"continue it with messages=error\.run\.messages, or give it more with max_steps=",
        "give it more with --max-steps",
    ),
    (r"\b(?:tape_)?mode=['\"]?([a-z]+)['\"]?", r"--tape-mode \1"),
    (
        r'Give the function \(tools=\[([^\]]*)\]\), or let the run end at such a call \(missing="end"\)',
        r"Give it with --tool FILE.py:\1, or let the run end at such a call with --no-tools",
    ),
    (r"write over it with force=True", "write over it with --force"),
    # A cut that a tape repeats: the reason is what happened when it was recorded, and not now.
    (r"(?:\S+ )?(?:\d{3}: )?the recorded answer ends before its end", "the answer was cut when it was recorded"),
    (r"^(?:[a-z-]+ )?2\d\d: ", ""),  # the status of an answer that began well and was cut
)


def said(error: BaseException) -> str:
    """The text of an error, which may be anybody's and fail to tell it."""
    try:
        return str(error)
    except Exception:
        return "(it has no text: its own __str__ fails)"


def reworded(text: str) -> str:
    """The text, with what is said of Python arguments said of options."""
    for pattern, words in _PHRASES:
        text = re.sub(pattern, words, text)
    return text
