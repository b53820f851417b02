"""OpenRouter's ``reasoning_details`` in a stream: pieces joined into the entries that go back verbatim.

A stream sends an entry in pieces, each with its type, format and index; the text of the pieces is joined, a signature
that comes alone is set on the entry it signs, and encrypted data, which is never cut, stays an entry of its own. Sent
back like this an answer's details are the same as those of the same answer not streamed.

A piece continues the latest entry, or the latest of its type and index, or the one of the same id and format: entries
are looked up, never searched for, so that an answer of any number of them is joined in time that grows with its length.
What is not of the documented shape (a text that is no string) is kept as an entry of its own, which nothing continues.

Reference: https://openrouter.ai/docs/use-cases/reasoning-tokens, as of 2026.

Mistral writes its reasoning as chunks of the content, ``{"type": "thinking", "thinking": [{"type": "text", "text":
…}]}``, which may bear a signature (https://docs.mistral.ai/capabilities/reasoning). A chunk that holds more than its
text is kept in the same list as details are, and told from them by its type.
"""

from __future__ import annotations

from typing import Any, TypeAlias

#: The field that holds each kind's words, to be joined.
_WORDS = {"reasoning.text": "text", "reasoning.summary": "summary"}

_TEXT = (str, type(None))
_PLACE = (str, int, type(None))

_Key: TypeAlias = tuple[Any, ...]


class _Entry:
    """One entry while it arrives; ``words`` are the pieces of its text, ``open`` says whether it can be continued."""

    __slots__ = ("open", "value", "words")

    def __init__(self, value: dict[str, Any], *, open: bool) -> None:
        self.open = open
        self.value = value
        self.words: list[str] = []


class Details:
    """The entries of one answer."""

    __slots__ = ("_entries", "_known")

    def __init__(self) -> None:
        self._entries: list[_Entry] = []
        #: The latest entry of a type and index, of a type, index and id, and of these and a format.
        self._known: dict[_Key, _Entry] = {}

    def __bool__(self) -> bool:
        return bool(self._entries)

    def add(self, piece: dict[str, Any]) -> None:
        """Add one piece: joined to the entry it continues, else as an entry of its own. ``piece`` is not changed."""
        kind = piece.get("type")
        field = _WORDS.get(kind) if isinstance(kind, str) else None
        if field is None or not _is_well_formed(piece, field):
            self._entries.append(_Entry(dict(piece), open=False))
            return
        entry = self._continued(piece)
        words = piece.get(field)
        if entry is not None and _is_signed_against(entry.value, piece, words):
            entry = None
        known = 0  # the fields of the entry when it was last looked up by its place; a new one adds to them
        if entry is None:
            entry = _Entry(dict(piece), open=True)
            self._entries.append(entry)
        else:
            known = len(entry.value)
            for key, value in piece.items():
                if key == field:
                    entry.value.setdefault(field, value)
                elif value or key not in entry.value:
                    entry.value[key] = value
        if words:
            entry.words.append(words)
        if len(entry.value) == known and entry is self._entries[-1]:
            return
        place = _key(entry.value)
        self._known[place[:2]] = self._known[place[:3]] = self._known[place] = entry

    def _continued(self, piece: dict[str, Any]) -> _Entry | None:
        last = self._entries[-1] if self._entries else None
        if last is not None and last.open and _fits(last.value, piece):
            return last
        if piece.get("index") is None:
            return None  # without an index only the last entry can be continued
        key = _key(piece)
        for entry in (self._known.get(key[:2]), self._known.get(key[:3])):
            if entry is not None and _fits(entry.value, piece):
                return entry
        return self._known.get(key)

    def joined(self) -> list[dict[str, Any]]:
        """The entries as they go back."""
        for entry in self._entries:
            if entry.words:
                entry.value[_WORDS[entry.value["type"]]] = "".join(entry.words)
        return [entry.value for entry in self._entries]


def _key(value: dict[str, Any]) -> _Key:
    return value["type"], value.get("index"), value.get("id"), value.get("format")


def _is_well_formed(piece: dict[str, Any], field: str) -> bool:
    """Whether a piece says its place and its words in values that can be compared and joined."""
    if not isinstance(piece.get(field), _TEXT):
        return False
    return all(isinstance(piece.get(key), _PLACE) for key in ("index", "id", "format"))


def _fits(entry: dict[str, Any], piece: dict[str, Any]) -> bool:
    """Whether an entry and a piece do not say that they are of two."""
    if entry.get("type") != piece["type"]:
        return False
    for key in ("index", "id", "format"):
        said = piece.get(key)
        if said is not None and key in entry and entry[key] != said:
            return False
    return True


def _is_signed_against(entry: dict[str, Any], piece: dict[str, Any], words: Any) -> bool:
    """Whether an entry is signed already, so that a piece of more words, or of another signature, begins the next."""
    signed = entry.get("signature")
    return bool(signed) and bool(words or piece.get("signature") not in (None, "", signed))


def detail_text(detail: Any) -> str:
    """What one of ``reasoning_details`` says in words; "" where it is encrypted."""
    if not isinstance(detail, dict):
        return ""
    text = detail.get("text") or detail.get("summary")
    return text if isinstance(text, str) else ""


def is_chunk(entry: Any) -> bool:
    """Whether what was kept of reasoning is a thinking chunk of Mistral's."""
    return isinstance(entry, dict) and entry.get("type") == "thinking"


def encode_chunk(text: str) -> dict[str, Any]:
    """The chunk that says this thought."""
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


def chunk_text(chunk: dict[str, Any]) -> str:
    """What a thinking chunk says in words; the references between them are none."""
    thinking = chunk.get("thinking")
    if isinstance(thinking, str):
        return thinking
    texts = [one.get("text") for one in thinking if isinstance(one, dict)] if isinstance(thinking, list) else []
    return "".join(text for text in texts if isinstance(text, str))


class Chunks:
    """The thinking chunks of one answer, streamed or not, joined into one."""

    __slots__ = ("_rest", "_signed", "_thinking")

    def __init__(self) -> None:
        self._thinking: list[Any] = []
        self._rest: dict[str, Any] = {}
        self._signed = False

    def add(self, chunk: dict[str, Any]) -> str:
        """Add one; what it says in words."""
        thinking = chunk.get("thinking")
        entries = [{"type": "text", "text": thinking}] if isinstance(thinking, str) else thinking
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and entry.get("type") == "text" and isinstance(entry.get("text"), str):
                self._text(entry["text"])
            else:
                self._signed = True
                self._thinking.append(entry)
        self._rest.update((key, value) for key, value in chunk.items() if key not in ("type", "thinking"))
        return chunk_text(chunk)

    def _text(self, text: str) -> None:
        last = self._thinking[-1] if self._thinking else None
        if isinstance(last, list):
            last.append(text)
        else:
            self._thinking.append([text])

    def kept(self) -> list[dict[str, Any]] | None:
        """What must come back verbatim: the chunk, where it bears a signature or references; None where its text is
        all that there is."""
        if not (self._signed or self._rest.get("signature")):
            return None
        thinking = [
            {"type": "text", "text": "".join(entry)} if isinstance(entry, list) else entry for entry in self._thinking
        ]
        return [{"type": "thinking", "thinking": thinking, **self._rest}]
