"""What a chat is: a history, a model that it goes on with, and what it came to; the terminal is not here.

The history is what was said, without the system prompt, and is always one that every provider takes: a call has its
result, an answer that was stopped is there as far as it came, and a question that nothing came of is taken back. It
changes when a turn ends, however it ends.

The model may change in the middle of it (:meth:`Conversation.turn_to`): tools, system prompt and limits stay, what is
one provider's own (its options, its base URL) stays with that provider.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from typing import TYPE_CHECKING, Any, cast

from playhead.agent.agent import Agent
from playhead.agent.signature import takes_two
from playhead.agent.toolsets import is_toolset
from playhead.cli.chat.journal import Journal, recall, said, settled
from playhead.cli.chat.spent import Spent
from playhead.cli.servers import Server
from playhead.messages import Message, ToolCall, system as system_message
from playhead.model import AnyModel, Model

if TYPE_CHECKING:
    from playhead.agent.context import Context
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
        agent: who is talked with.
        journal: the tape, None for none.
        base_url: where its provider was said to be; None where nothing was said.
        yes: make every call, and ask about none.
        asks: whether somebody is there to be asked; else calls that need it are refused.
        keep_system: hold on to the agent's system prompt where the tape has another.
    """

    def __init__(
        self,
        agent: Agent[Any],
        journal: Journal | None,
        base_url: str | None = None,
        *,
        yes: bool = False,
        asks: bool = True,
        keep_system: bool = False,
    ) -> None:
        self._base = agent.clone(tools=[_known(tool) for tool in agent._given["tools"]])
        self._base_url = base_url
        self._yes, self._asks = yes, asks
        self.journal = journal
        self.messages: list[Message] = []
        self.notes: tuple[str, ...] = ()
        self.session = Spent()
        self._warned: set[str] = set()
        self._bound = agent.model
        self._home = agent.model.provider.name
        self.agent = self._made(agent.system)
        if journal is not None:
            recalled = recall(journal)
            self.notes = recalled.notes
            self.replace(recalled.messages, keep_system=keep_system)

    @property
    def model(self) -> str:
        """ "provider:model"."""
        return self._bound.id

    @property
    def name(self) -> str:
        """Who is talked with: the agent by its name, where it has one, and its model."""
        return f"{self.agent.name} ({self.model})" if self.agent.name else self.model

    @property
    def system(self) -> str | None:
        """The system prompt."""
        said = self.agent.system
        return said if isinstance(said, str) else None

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
        if model == self._base.model.id:
            bound = self._base.model
        else:
            bound = Model.of(model, base_url=self._base_url if at_home else None)
        self.agent = self._made(self.agent.system, bound)
        self._bound = bound
        tools = [tool.spec for tool in self.tools.values()]
        known = bool(self.messages) and isinstance(bound, Model)
        lost = [str(loss) for loss in preflight(self.whole, cast(Model, bound), tools=tools)] if known else []
        settings = {"options": self._base._given["options"], "base_url": self._base_url}
        for name, option in (("options", "--option"), ("base_url", "--base-url")):
            if leaves and not at_home and settings[name]:
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

    def _made(self, system: Any, model: AnyModel | None = None) -> Agent[Any]:
        """The agent with this system prompt, and this model, as the chat has it."""
        model = model or self._bound
        if model is self._base.model:
            return self._base.clone(system=system, approve=self._approved)
        options = self._base._given["options"] if model.provider.name == self._home else None
        return self._base.clone(model=model, options=options, system=system, approve=self._approved)

    @property
    def servers(self) -> list[Server]:
        """What gives tools when a turn begins."""
        return [one for one in self._base.toolsets if isinstance(one, Server)]

    @property
    def tools(self) -> dict[str, AnyTool]:
        """The tools by name, those of servers as far as they are known."""
        known = dict(self.agent.tools)
        for server in self.servers:
            known.update(server.tools or {})
        return known

    def asks_about(self, call: ToolCall) -> bool:
        """Whether the user will be asked about a call, as far as that is known before the agent's own function says."""
        return self._asks and not self._yes and self._base.approve is None and self._wants_a_word(call)

    def _wants_a_word(self, call: ToolCall) -> bool:
        tool = self.tools.get(call.name)
        return tool is not None and (tool.approve is True or (tool.effect == "write" and not callable(tool.approve)))

    async def _approved(self, call: ToolCall, context: Context[Any]) -> Verdict:
        decide: Any = self._base.approve
        if decide is None or self._yes:
            wanted = not self._yes and self._wants_a_word(call)
        else:  # the agent's own
            said = decide(call, context) if takes_two(decide) else decide(call)
            verdict: Verdict = await said if isinstance(said, Awaitable) else said
            if verdict is not None:
                return verdict
            wanted = True
        return True if not wanted else None if self._asks else NOBODY


def _known(tool: Any) -> Any:
    """A toolset that remembers what it gave; every other tool as it is."""
    return Server(tool) if is_toolset(tool) and not isinstance(tool, Server) else tool
