"""The chat itself: a line is read, its answer shown, and again; on a terminal, or for lines that are piped in.

On a terminal nothing but the user ends a chat. An error is shown and the prompt comes back; Ctrl-C stops the answer,
and what came of it stays in the history. A pipe is a program's: each line is a turn, the answers alone go to stdout,
and the first turn that fails ends it with the status that ``playhead run`` would have had.

One event loop serves all turns, so that connections are kept; it does not run while a line is typed. Calls that need an
approval let their run wait (:class:`playhead.Pending`), the user is asked between two runs, and the run goes on.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

from playhead.cli.approvals import decided
from playhead.cli.chat.commands import COMMANDS, Desk, Leave, obey
from playhead.cli.chat.lines import Lines, quiet_keys
from playhead.cli.chat.screen import Screen
from playhead.cli.chat.spent import Spent
from playhead.cli.ends import Terminated, UsageError
from playhead.cli.output import settle_streams
from playhead.cli.paint import has_color, plural
from playhead.cli.stopping import Signals, ToolThreads, let_go
from playhead.cli.wording import reworded, said
from playhead.errors import PlayheadError

if TYPE_CHECKING:
    from playhead.agent.pending import Pending
    from playhead.agent.run import Run
    from playhead.cli.chat.conversation import Conversation


_KEPT = "what came is kept"


class Loop:
    """Drives the turns of a conversation, one at a time."""

    def __init__(self, talk: Conversation, out: TextIO, arguments: argparse.Namespace) -> None:
        self.talk, self.out, self.arguments = talk, out, arguments
        self.signals = Signals()
        self.threads = ToolThreads()
        self.runner = asyncio.Runner()
        self._run: Run[Any] | None = None

    def serve(self, *, typed: bool) -> None:
        """Until the user leaves, or the lines end.

        Raises:
            Terminated: a signal asked for the end.
            PlayheadError: of a turn that failed, where the lines were piped in.
        """
        loop = self.runner.get_loop()
        loop.set_default_executor(self.threads)
        try:
            with self.signals:
                if typed:
                    self._typed()
                else:
                    self._piped()
        except BaseException as error:
            self._closed(loop)
            if self.signals.received is not None:
                raise Terminated(self.signals.received) from error
            raise
        self._closed(loop)
        if self.threads.busy:  # a thread cannot be stopped, and the interpreter would wait for it
            settle_streams()
            os._exit(0)

    def _closed(self, loop: asyncio.AbstractEventLoop) -> None:
        for server in self.talk.servers:
            with suppress(Exception):  # it goes with the loop, whatever it has to say
                loop.run_until_complete(server.aclose())
        if self.threads.busy:
            let_go(loop)
        else:
            self.runner.close()
        if self.talk.journal is not None:
            self.talk.journal.close()

    # --- lines that are piped in

    def _piped(self) -> None:
        from playhead.cli.run import no_text, text_of_stdin

        stdin, empty = text_of_stdin(), True
        try:
            for line in stdin:
                if line.strip():
                    empty = False
                    self.runner.run(self.signals.heeding(self._answer_plainly(line.rstrip("\r\n"))))
        except UnicodeDecodeError as error:
            raise no_text(error) from error
        if empty:
            raise UsageError("nothing came on stdin; each line of it is a turn")

    async def _answer_plainly(self, text: str) -> None:
        from playhead.cli.live import Live
        from playhead.cli.run import as_lines

        async with self.talk.ask(text) as stream:
            try:
                if self.arguments.json:
                    await as_lines(stream, self.out)
                    return
                live = Live(self.out, sys.stderr, self.arguments.color)
                try:
                    await live.follow(stream)
                finally:
                    live.end_line()
                    if stream.run.steps or any(attempt.status for attempt in stream.run.attempts):
                        live.total(stream.run, self.arguments.tape)
            finally:
                self.talk.keep(stream.run)

    # --- lines that are typed

    def _typed(self) -> None:
        color = self.arguments.color
        screen = Screen(self.out, sys.stderr, color, asks=self.talk.asks_about)
        lines = Lines(sys.stderr, (f"/{name}" for name in COMMANDS), color=has_color(sys.stderr, color))
        self._greet(screen, lines)
        warned = False  # of Ctrl-C, once: the second one leaves
        while True:
            try:
                text = lines.text()
            except EOFError:
                screen.say("")
                return
            except KeyboardInterrupt:
                if warned or self.signals.received is not None:
                    screen.say("")
                    if self.signals.received is not None:
                        raise
                    return
                warned = True
                screen.say("")
                screen.note("Ctrl-C again leaves, and so does Ctrl-D")
                continue
            warned = False
            if text.startswith("/") and not text.startswith("//"):
                try:
                    obey(Desk(self.talk, screen), text)
                except Leave:
                    return
                except (PlayheadError, UsageError, OSError) as error:
                    screen.fault(reworded(said(error)))
            elif text.strip():
                self._turn(text[1:] if text.startswith("//") else text, screen, lines)

    def _greet(self, screen: Screen, lines: Lines) -> None:
        talk = self.talk
        screen.note(f"{talk.name}; /help lists the commands, Ctrl-D leaves")
        if talk.journal is not None:
            for warning in talk.journal.warnings:
                screen.warn(f"warning: {warning}")
            if talk.messages:
                screen.note(f"goes on where {talk.journal.path} ends, after {plural(len(talk.messages), 'message')}")
            for note in talk.notes:
                screen.warn(f"warning: {note}")
        for message in talk.messages:
            if message.role == "user":
                lines.remember(message.text)

    def _turn(self, text: str, screen: Screen, lines: Lines) -> None:
        """Ask, show the answer, ask about its calls, and keep what came of it."""
        screen.begins(self._waits_for())
        spent, stopped, before = Spent(), False, self._questions()
        asking: str | Pending = text
        while True:
            self._run = None
            try:
                with quiet_keys():
                    self.runner.run(self.signals.heeding(self._answer(asking, screen)))
                pending = self._count(spent, screen)
                if pending is not None:
                    asking = self._decided(pending, screen, lines)
                    continue
            except (KeyboardInterrupt, EOFError):
                stopped = True
            except asyncio.CancelledError:
                if self.signals.received is None:
                    raise
                stopped = True
            except Exception as error:
                screen.fault(reworded(said(error)) if isinstance(error, PlayheadError) else _told(error))
            break
        self._count(spent, screen)
        self._ended(spent, screen, stopped, taken_back=self._questions() <= before)

    def _decided(self, pending: Pending, screen: Screen, lines: Lines) -> Pending:
        """The run with what the user says to its calls. Ctrl-C leaves the question on a line of its own."""
        try:
            return decided(pending, screen.ask, lines.line)
        except KeyboardInterrupt:
            screen.say("")
            raise

    async def _answer(self, asking: str | Pending, screen: Screen) -> None:
        async with self.talk.ask(asking) as stream:
            self._run = stream.run
            try:
                await screen.follow(stream)
            finally:
                screen.end_line()

    def _waits_for(self) -> str:
        """What the answer waits for first: servers that were not asked yet, a model that is read from disk."""
        from playhead.cli.run import waited_for

        unasked = [server.name for server in self.talk.servers if server.tools is None]
        return f"asking {', '.join(unasked)} for tools" if unasked else waited_for(self.talk.model)

    def _questions(self) -> int:
        return sum(message.role == "user" for message in self.talk.messages)

    def _count(self, spent: Spent, screen: Screen) -> Pending | None:
        """Take over what came of the run that has ended, once; what waits of it."""
        run, self._run = self._run, None
        if run is None:
            return None
        for warning in self.talk.keep(run):
            screen.warn(f"warning: {warning}")
        spent.add(run)
        self.talk.session.add(run)
        return run.pending

    def _ended(self, spent: Spent, screen: Screen, stopped: bool, taken_back: bool) -> None:
        if stopped:
            screen.note("stopped; " + ("nothing had come, the question is taken back" if taken_back else _KEPT))
        elif taken_back:
            screen.note("the question is taken back; the arrow up brings it again")
        if spent.anything:
            session = self.talk.session
            session.answers += 1
            more = f"; session: {session.session}" if session.answers > 1 else ""
            screen.figures(spent.timed + more)
        if self.signals.received is not None:
            raise Terminated(self.signals.received)


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {said(error)}"
