"""``--mcp``: the tools of MCP servers, by their URL or by the command that starts one.

What a server's tools do to the world is known when it has been asked, when a run begins; so each server is wrapped in a
:class:`Server`, which remembers the tools that it gave: in a chat a call is approved by the effect of its tool, and
``/tools`` names them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from playhead.cli.ends import UsageError

if TYPE_CHECKING:
    from playhead.agent.tools import AnyTool
    from playhead.agent.toolsets import Opening


class Server:
    """A toolset, and the tools that it gave last; None before it was asked."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.tools: dict[str, AnyTool] | None = None

    @property
    def name(self) -> str:
        """What it is called."""
        return str(self.inner.name)

    async def tools_for(self, opening: Opening) -> Sequence[AnyTool]:
        """As the server gives them.

        Raises:
            PlayheadError: it does not.
        """
        tools: Sequence[AnyTool] = await self.inner.tools_for(opening)
        self.tools = {tool.name: tool for tool in tools}
        return tools

    async def aclose(self) -> None:
        """Close the connection, where it has one; a server that was started ends."""
        close = getattr(self.inner, "aclose", None)
        if close is not None:
            await close()


def servers(given: Iterable[str]) -> list[Server]:
    """The servers that the command line names; none is connected to yet.

    Raises:
        UsageError: one is neither a URL nor a command.
    """
    from playhead.mcp_client.toolset import mcp

    return [Server(mcp(one) if _is_url(one) else mcp(command=_words(one))) for one in given]


def _is_url(text: str) -> bool:
    return text.startswith(("http://", "https://"))


def _words(text: str) -> list[str]:
    import shlex

    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"--mcp {text}: {error}") from error
    if not words:
        raise UsageError('--mcp: expected a URL, or the command of a server, as in --mcp "python server.py"')
    return words
