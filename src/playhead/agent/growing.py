"""An answer's JSON while it arrives: what there is of the value so far, at a cost that grows with the answer.

:class:`GrowingJSON` is fed text and gives the value that the text so far says, open objects and lists closed, an open
string as far as it came, a number or a word only when it is whole. Each letter is looked at once; a value that is given
shares with the one before it whatever has not changed, and only the containers that are still open are copied. Parsing
the whole text again at each delta, however fast, costs its square: docs/decisions/0006-json-repair.md has figures.

Words before the JSON (a fence, a sentence) are passed over. JSON that breaks off its rules stops growing, and is no
error here: the whole answer is read, and mended, when it has come.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from playhead.agent.events import Event
from playhead.agent.output import VALUE, unwraps
from playhead.events import Discard, PartDelta, PartStart, ResponseStart
from playhead.messages import Text
from playhead.request import ANSWER
from playhead.surrogates import whole_escapes

#: What of a string is whole: letters, and escapes that are all there. Half of a pair waits for its other half.
_WHOLE = re.compile(
    r'(?:[^"\\]+|\\u(?![dD][89abAB])[0-9a-fA-F]{4}|\\u[dD][89abAB]..(?:\\u....|(?=[^\\]|\\[^u]))|\\[^u])*', re.DOTALL
)
_SPACE = re.compile(r"[\s,:]*")
_WORD = re.compile(r"[^\s,:\]}\[{\"]+")
_NOTHING: Any = object()

#: A long answer is given again when it has grown by one part in so many: at each delta up to some thousand letters, and
#: every hundred letters at 50,000. Copying what is open costs its width, which would make many values cost a square.
VALUES = 512


class GrowingJSON:
    """JSON text, fed in pieces; :attr:`value` is what there is of it, None before there is anything."""

    __slots__ = ("_done", "_frames", "_root", "_string", "_text")

    def __init__(self) -> None:
        self._text = ""  # what is not read yet
        self._root: Any = None
        self._frames: list[list[Any]] = []  # what is open, from the outside in: a container, and a dict's present key
        self._string: str | None = None  # the open string, as far as it came
        self._done = False  # the value is whole, or the text is no JSON

    def feed(self, text: str) -> None:
        """Take the next piece."""
        if not self._done:
            rest, read = self._text + text, 0
            while (after := self._step(rest, read)) is not None:
                read = after
            self._text = rest[read:]

    @property
    def value(self) -> Any:
        """The value so far. It stays as it is when more is fed."""
        made: Any = _NOTHING if self._string is None else self._string
        inside = made is not _NOTHING
        for container, key in reversed(self._frames):
            copy = container.copy()
            if made is _NOTHING:
                pass
            elif isinstance(copy, list):
                if inside:
                    copy.append(made)
                else:
                    copy[-1] = made
            elif key is not _NOTHING:
                copy[key] = made
            made, inside = copy, False
        return made if self._frames else self._root

    def _step(self, text: str, at: int) -> int | None:
        """Read what stands at a place; the place after it, or None where more is needed."""
        if self._done:
            return None
        if self._string is not None:
            return self._in_string(text, at)
        if not self._frames:
            opens = [place for place in (text.find("{", at), text.find("[", at)) if place >= 0]
            if not opens:
                return None
            at = min(opens)
        else:
            space = _SPACE.match(text, at)
            at = space.end() if space else at
        if at == len(text):
            return None
        letter = text[at]
        if letter in "{[":
            self._open({} if letter == "{" else [])
        elif letter in "}]":
            self._close(letter)
        elif letter == '"':
            self._string = ""
        else:
            return self._word(text, at)
        return at + 1

    def _open(self, container: Any) -> None:
        if self._frames:
            self._put(container, closed=False)
        else:
            self._root = container
        if not self._done:
            self._frames.append([container, _NOTHING])

    def _close(self, letter: str) -> None:
        container, _ = self._frames[-1]
        if isinstance(container, dict) is not (letter == "}"):
            self._done = True
            return
        self._frames.pop()
        if self._frames:
            self._frames[-1][1] = _NOTHING
        else:
            self._done = True

    def _put(self, value: Any, *, closed: bool = True) -> None:
        """A value into what is open, and with it, where it is whole, the end of the key that it was for."""
        frame = self._frames[-1]
        container, key = frame
        if isinstance(container, list):
            container.append(value)
        elif key is not _NOTHING:
            container[key] = value
            if closed:
                frame[1] = _NOTHING
        elif isinstance(value, str):
            frame[1] = value
        else:
            self._done = True

    def _in_string(self, text: str, at: int) -> int | None:
        whole = _WHOLE.match(text, at)
        end = whole.end() if whole else at
        if end > at:
            self._string = (self._string or "") + _unescaped(text[at:end])
        if end == len(text):
            return None if end == at else end
        if text[end] != '"':
            return None if end == at else end  # half of an escape
        value, self._string = self._string, None
        self._put(value)
        return end + 1

    def _word(self, text: str, at: int) -> int | None:
        found = _WORD.match(text, at)
        if found is None:
            self._done = True
            return at
        if found.end() == len(text):
            return None
        try:
            self._put(msgspec.json.decode(found[0]))
        except ValueError:
            self._done = True
        return found.end()


def _unescaped(piece: str) -> str:
    if "\\" not in piece:
        return piece
    for body in (piece, whole_escapes(piece)):
        try:
            return str(msgspec.json.decode(f'"{body}"'))
        except (ValueError, UnicodeError):
            continue
    return piece


class Growth:
    """The output of a run's events as it grows. ``grown`` says that there is more than was last taken."""

    def __init__(self, kind: Any) -> None:
        self._plain = kind is None or kind is str
        self._unwraps = not self._plain and unwraps(kind)
        self._begin()

    def _begin(self) -> None:
        self._json = GrowingJSON()
        self._said = ""
        self._length = self._next = 0  # letters that have come, and that must have come for the next value
        self._followed: set[int] = set()
        self._marked = False
        self._last: Any = None
        self.grown = False

    def push(self, event: Event) -> None:
        """Take an event of the run."""
        match event:
            case ResponseStart() | Discard():
                self._begin()
            case PartStart(index=index, part=Text() as part):
                marked = part.opaque is not None and part.opaque.origin == ANSWER
                if marked and not self._marked:
                    self._begin()
                if marked or not self._marked:
                    self._marked = marked
                    self._followed.add(index)
                    self._take(part.text)
            case PartDelta(index=index, text=text) if index in self._followed:
                self._take(text)
            case _:
                pass

    def _take(self, text: str) -> None:
        if text:
            if self._plain:
                self._said += text
            else:
                self._json.feed(text)
            self._length += len(text)
            self.grown = self._length >= self._next

    def take(self) -> Any:
        """The value so far, or None where there is nothing new."""
        self.grown = False
        self._next = self._length + self._length // VALUES
        value = self._said if self._plain else self._json.value
        if self._unwraps and isinstance(value, dict) and value.keys() <= {VALUE}:
            value = value.get(VALUE)
        if value is None or (type(value) is type(self._last) and value == self._last):
            return None
        self._last = value
        return value
