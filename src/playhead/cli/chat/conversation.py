"""What a chat is: a history, a model that it goes on with, and what it came to; the terminal is not here.

The history is what was said, without the system prompt, and is always one that every provider takes: a call has its
result, an answer that was stopped is there as far as it came, and a question that nothing came of is taken back. It
changes when a turn ends, however it ends.

The model may change in the middle of it (:meth:`Conversation.turn_to`): tools, system prompt and limits stay, what is
one provider's own (its options, its base URL) stays with that provider.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from playhead.agent.agent import Agent
from playhead.cli.chat.journal import Journal, recall, said, settled
from playhead.cli.chat.spent import Spent
from playhead.messages import Message, ToolCall, system as system_message
from playhead.model import Model

if TYPE_CHECKING:
    from playhead.agent.pending import Pending
    from playhead.agent.run import Run
    from playhead.agent.stream import RunStream
    from playhead.agent.tools import AnyTool, Verdict

#: What a call is refused with where nobody can be asked; the model is told it.
NOBODY = "nobody is there to approve it (the user may start the chat with --yes)"


#: The embedded model: no key, no network, no bill.
LOCAL = "local:smollm2"


def model_named(name: str) -> str:
    """How a model is named in a chat: ``"local" -> "local:smollm2"``, every other name as it is."""
    return LOCAL if name == "local" else name


class Conversation:
    """A conversation with a model.

    Args:
        model: "provider:model".
        settings: what the agent is made with.
        journal: the tape, None for none.
        yes: make every call, and ask about none.
        asks: whether somebody is there to be asked; else calls that need it are refused.
    """

    def __init__(
        self, model: str, settings: dict[str, Any], journal: Journal | None, *, yes: bool = False, asks: bool = True
    ) -> None:
        self._settings = settings
        self._yes, self._asks = yes, asks
        self.journal = journal
        self.messages: list[Message] = []
        self.notes: tuple[str, ...] = ()
        self.session = Spent()
        self._warned: set[str] = set()
        self._bound = Model.of(model, base_url=settings["base_url"])
        self._home = self._bound.provider.name
        self.agent = self._made(settings["system"])
        if journal is not None:
            recalled = recall(journal)
            self.notes = recalled.notes
            self.replace(recalled.messages, keep_system=settings["system"] is not None)

    @property
    def model(self) -> str:
        """ "provider:model"."""
        return self._bound.id

    @property
    def system(self) -> str | None:
        """The system prompt."""
        return self.agent.system

    @system.setter
    def system(self, text: str | None) -> None:
        self.agent = self._made(text)

    @property
    def whole(self) -> list[Message]:
        """The history with the system prompt before it."""
        return ([] if self.system is None else [system_message(self.system)]) + self.messages

    def replace(self, messages: Iterable[Message], *, keep_system: bool = False) -> None:
        """Go on from another history. A system message that it begins with is the system prompt from now on, unless
        the present one is to be kept."""
        history = list(messages)
        if history and history[0].role == "system":
            first = history.pop(0)
            if not keep_system:
                self.system = first.text
        self.messages = settled(history)

    def turn_to(self, model: str) -> tuple[str, ...]:
        """Go on with another model; what it would not be told of the history, in sentences.

        Raises:
            ConfigError: there is no such provider.
        """
        from playhead.losses import preflight
        from playhead.providers.catalog import resolve

        leaves, at_home = self._bound.provider.name == self._home, resolve(model)[0].name == self._home
        self._bound = Model.of(model, base_url=self._settings["base_url"] if at_home else None)
        self.agent = self._made(self.system)
        tools = [tool.spec for tool in self.tools.values()]
        lost = [str(loss) for loss in preflight(self.whole, self._bound, tools=tools)] if self.messages else []
        for name, option in (("options", "--option"), ("base_url", "--base-url")):
            if leaves and not at_home and self._settings[name]:
                lost.append(f"{option} belongs to {self._home}, and is left out")
        return tuple(lost)

    def ask(self, prompt: str | Pending) -> RunStream[str]:
        """A turn, or the rest of one whose calls waited; tell :meth:`keep` of its run when it has ended."""
        mode: Any = None if self.journal is None else "resume"
        if isinstance(prompt, str):
            return self.agent.stream(prompt, messages=self.messages, tape=self.journal, tape_mode=mode)
        return self.agent.stream(prompt, tape=self.journal, tape_mode=mode)

    def keep(self, run: Run[Any]) -> list[str]:
        """Take over what came of a run, however it ended; what there is to warn of that was not said before."""
        history = [*run.messages, *said(run.partial)]
        if history and history[0].role == "system":
            history.pop(0)
        self.messages = settled(history)
        news = [warning for warning in dict.fromkeys(run.warnings) if warning not in self._warned]
        self._warned.update(news)
        return news

    def take_back(self) -> str | None:
        """Take back the last exchange: what the user said, None where nothing is left."""
        for at in range(len(self.messages) - 1, -1, -1):
            if self.messages[at].role == "user":
                text = self.messages[at].text
                del self.messages[at:]
                return text
        return None

    def _made(self, system: str | None) -> Agent[str]:
        options = self._settings["options"] if self._bound.provider.name == self._home else None
        settings = {**self._settings, "system": system, "options": options, "base_url": None}
        return Agent(self._bound, approve=self._approved, **settings)

    @property
    def servers(self) -> list[Any]:
        """The servers among the tools (:class:`playhead.cli.chat.servers.Server`)."""
        return [one for one in self._settings["tools"] if hasattr(one, "tools_for")]

    @property
    def tools(self) -> dict[str, AnyTool]:
        """The tools by name, those of servers as far as they are known."""
        known = dict(self.agent.tools)
        for server in self.servers:
            known.update(server.tools or {})
        return known

    def _approved(self, call: ToolCall) -> Verdict:
        tool = self.tools.get(call.name)
        if self._yes or tool is None or not (tool.approve or tool.effect == "write"):
            return True
        return None if self._asks else NOBODY
