"""What of another provider's a wire meets in a history: ids of calls, and files that lie with one provider only.

An id of a call is the wire's own, and wires differ in what they take for one: Kimi writes ``functions.weather:0``,
which Anthropic refuses; Mistral wants nine letters and digits. :func:`fitting_id` keeps an id that fits and makes
another out of one that does not, the same each time, so that a call and its result still name each other. Nothing is
lost by it, and nothing is warned of.

A file that was uploaded to one provider is a URL of that provider's: ``openai-file:file-abc``, ``gs://bucket/a.pdf``.
No other can read it, and whoever is sent one answers 400: :func:`lies_elsewhere` says so, and the encoder leaves the
file out with a warning.

A step that another provider took has no thinking that its wire could give back. Claude refuses a step that goes on
with such a one and asks for thinking: :func:`began_thoughtless` says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from playhead.messages import File, Message, Opaque, Reasoning, ToolCall

#: What a wire takes for the id of a call.
#:
#: - "any": whatever another made.
#: - "40", "64": at most so many characters, of any kind: OpenAI's chat wire, and its responses wire.
#: - "plain": letters, digits, ``_`` and ``-``, at most 64: Anthropic's.
#: - "nine": nine letters and digits: Mistral's.
IdRule: TypeAlias = Literal["any", "40", "64", "plain", "nine"]

#: The first letters of URLs that only one provider can read, by the dialect that can.
_PLACES = {"openai-file:": "openai", "gs://": "gemini", "s3://": "bedrock_converse"}

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def fitting_id(identifier: str, rule: IdRule) -> str:
    """The id as it is, where the rule takes it; else one made of it: ``fitting_id("functions.weather:0", "nine")``
    is always the same nine letters and digits, and another id's are others."""
    if rule == "any" or _fits(identifier, rule):
        return identifier
    if rule == "nine":
        return _digest(identifier, 9)
    return f"call_{_digest(identifier, 20)}"


def _fits(identifier: str, rule: IdRule) -> bool:
    if rule in ("40", "64"):
        return 0 < len(identifier) <= int(rule)
    if rule == "nine":
        return len(identifier) == 9 and identifier.isascii() and identifier.isalnum()
    return (
        0 < len(identifier) <= 64 and identifier.isascii() and identifier.replace("_", "a").replace("-", "a").isalnum()
    )


def _digest(text: str, length: int) -> str:
    from hashlib import sha256

    number = int.from_bytes(sha256(text.encode("utf-8", "surrogatepass")).digest(), "big")
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(digits)


def kind_of(file: File) -> str:
    """What kind of file it is: "image", "audio", "video" or "document". One by a URL that says no type is an image."""
    kind = file.media_type.partition("/")[0]
    if kind in ("audio", "video"):
        return kind
    return "image" if kind in ("", "image") else "document"


def lies_elsewhere(file: File, own: str) -> bool:
    """Whether this file lies with a provider that is not ``own``, the name of who can read it: "openai", "gemini"."""
    url = file.url
    if url is None:
        return False
    return any(url.startswith(beginning) and place != own for beginning, place in _PLACES.items())


def began_thoughtless(messages: tuple[Message, ...], is_own: Callable[[Opaque | None], bool]) -> bool:
    """Whether the last step called tools, their results are what is sent, and it has no thinking that can go back, of
    the wire whose opaques ``is_own`` knows: as when another provider took it."""
    if not messages or messages[-1].role != "tool":
        return False
    for message in reversed(messages):
        if message.role == "assistant":
            called = any(isinstance(part, ToolCall) for part in message.parts)
            return called and not any(isinstance(part, Reasoning) and is_own(part.opaque) for part in message.parts)
        if message.role != "tool":
            break
    return False
