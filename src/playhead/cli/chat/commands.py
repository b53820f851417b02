"""What a line may be that begins with a slash: the commands of a chat.

Each is a function of the :class:`Desk` and of what stands after its name; what it has to say it says there. A command
that cannot be done raises one of playhead's own errors, which is shown, and the chat goes on. A line that is to begin
with a slash for the model is written with two.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from playhead.cli.ends import UsageError
from playhead.cli.paint import plural
from playhead.errors import HistoryFormatError, nearest
from playhead.messages import Message, dump_messages, load_messages
from playhead.tapes.files import look, read_document, write_whole

if TYPE_CHECKING:
    from playhead.cli.chat.conversation import Conversation
    from playhead.cli.chat.screen import Screen

#: Characters of a text that is named again.
_GLIMPSE = 60
_NOUN = "the conversation"


class Desk(NamedTuple):
    """What the commands work on."""

    talk: Conversation
    screen: Screen


class Leave(Exception):
    """The user leaves."""


class Command(NamedTuple):
    """A command: what it takes, what it does, how."""

    takes: str
    does: str
    do: Callable[[Desk, str], None]


def obey(desk: Desk, line: str) -> None:
    """Do what a line says that begins with a slash.

    Raises:
        Leave: it says to leave.
        UsageError: there is no such command, or it cannot be done as given.
        PlayheadError: of whatever class fits.
    """
    name, _, rest = line[1:].strip().partition(" ")
    command = COMMANDS.get(name)
    if command is None:
        raise UsageError(nearest(f"no command /{name}", name, COMMANDS) + " (a line for the model begins with //)")
    if rest.strip() and not command.takes:
        raise UsageError(f"/{name} takes nothing after it")
    command.do(desk, rest.strip())


def _help(desk: Desk, _: str) -> None:
    rows = [(f"/{name} {command.takes}".rstrip(), command.does) for name, command in COMMANDS.items()]
    rows += [
        ("a line ending in \\", "goes on in the next; pasted lines stay together"),
        ("Ctrl-C", "stops the answer; what came of it is kept"),
        ("Ctrl-D", "leaves, and so does Ctrl-C twice at the prompt"),
    ]
    desk.screen.rows(rows)


def _model(desk: Desk, name: str) -> None:
    if not name:
        desk.screen.note(f"{desk.talk.model}; /model NAME goes on with another")
        return
    from playhead.cli.chat.conversation import model_named

    lost = desk.talk.turn_to(model_named(name))
    for words in lost:
        desk.screen.warn(f"warning: {words}")
    desk.screen.note(f"goes on with {desk.talk.model}" + ("" if lost else "; it is told all of the conversation"))


def _system(desk: Desk, text: str) -> None:
    if text:
        desk.talk.system = None if text == "-" else text
    desk.screen.note("no system prompt" if desk.talk.system is None else f"system prompt: {desk.talk.system}")


def _undo(desk: Desk, _: str) -> None:
    text = desk.talk.take_back()
    desk.screen.note("there is nothing to take back" if text is None else f"taken back: {_glimpse(text)}")


def _fork(desk: Desk, file: str) -> None:
    talk = desk.talk
    if talk.journal is not None:
        before = talk.journal.path
        talk.journal = talk.journal.forked(file or None)
        desk.screen.note(f"goes on in {talk.journal.path}; {before} stays as it is")
        return
    if not file:
        raise UsageError("there is no tape to copy: /fork FILE keeps the conversation so far in FILE")
    _kept(talk.whole, Path(file))
    desk.screen.note(f"goes on; the conversation so far is in {file}, and /load {file} comes back to it")


def _tape(desk: Desk, _: str) -> None:
    journal = desk.talk.journal
    if journal is None:
        desk.screen.note("there is no tape; playhead chat --tape FILE records one")
    else:
        desk.screen.note(f"{journal.path}: {plural(len(journal.interactions), 'interaction')}")


def _cost(desk: Desk, _: str) -> None:
    desk.screen.figures(f"this session: {desk.talk.session.session}")


def _tools(desk: Desk, _: str) -> None:
    rows = []
    for tool in desk.talk.tools.values():
        asked = ", asks" if tool.approve or tool.effect == "write" else ""
        rows.append((f"{tool.name} ({tool.effect}{asked})", " ".join(tool.description.split())))
    unknown = [server.name for server in desk.talk.servers if server.tools is None]
    rows += [(name, "is asked for its tools at the next turn") for name in unknown]
    if rows:
        desk.screen.rows(rows)
    else:
        desk.screen.note("there are no tools; playhead chat --tool FILE.py gives some")


def _save(desk: Desk, file: str) -> None:
    if not file:
        raise UsageError("where to? /save FILE")
    _kept(desk.talk.whole, Path(file))
    desk.screen.note(f"{plural(len(desk.talk.messages), 'message')} in {file}")


def _load(desk: Desk, file: str) -> None:
    if not file:
        raise UsageError("what? /load FILE, one that /save wrote")
    desk.talk.replace(load_messages(read_document(Path(file), _NOUN)))
    desk.screen.note(f"goes on from {plural(len(desk.talk.messages), 'message')} of {file}")


def _clear(desk: Desk, _: str) -> None:
    desk.talk.messages = []
    desk.screen.note("a new conversation begins" + ("" if desk.talk.journal is None else ", on the same tape"))


def _reasoning(desk: Desk, _: str) -> None:
    desk.screen.reasoning = not desk.screen.reasoning
    desk.screen.note("thoughts are shown" if desk.screen.reasoning else "thoughts are left out")


def _quit(_: Desk, __: str) -> None:
    raise Leave


def _kept(messages: list[Message], path: Path) -> None:
    """Write a history, whole or not at all; a file that is none is not written over.

    Raises:
        UsageError: the file is something else.
        TapeError: it is no regular file, or cannot be written.
    """
    found = look("write", path, _NOUN)
    if found is not None and found.st_size and not stat.S_ISDIR(found.st_mode):
        try:
            load_messages(read_document(path, _NOUN))
        except HistoryFormatError as error:
            raise UsageError(f"{path} is there, and no conversation: it is not written over") from error
    write_whole(path, dump_messages(messages) + b"\n", _NOUN)


def _glimpse(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _GLIMPSE else line[: _GLIMPSE - 1] + "…"


COMMANDS = {
    "help": Command("", "this", _help),
    "model": Command("[NAME]", "goes on with another model, or says which it is", _model),
    "system": Command("[TEXT]", "sets the system prompt (- for none), or shows it", _system),
    "undo": Command("", "takes back the last exchange", _undo),
    "fork": Command("[FILE]", "goes on in a copy of the tape; the old one stays as it is", _fork),
    "tape": Command("", "which tape, and how much is on it", _tape),
    "cost": Command("", "what the session came to", _cost),
    "tools": Command("", "what the model may call", _tools),
    "reasoning": Command("", "shows the model's thoughts, or leaves them out", _reasoning),
    "save": Command("FILE", "writes the conversation as JSON", _save),
    "load": Command("FILE", "goes on from one that was saved", _load),
    "clear": Command("", "begins a new conversation", _clear),
    "quit": Command("", "leaves", _quit),
}
