"""For those who test agents of their own: a provider on loopback that answers by script, in every wire,
a model that needs no wire, and a tape for each test.

::

    with FakeProvider() as fake:
        fake.script(refuse(429, retry_after=0), reply(tool_call("weather", location="Florence")), reply("40 C."))
        run = Agent(fake.model("anthropic:claude-x"), tools=[weather]).run_sync("Florence?")
        assert fake.requests[-1].request.messages[-1].role == "tool"

What it writes comes from the dialects' own encoders, and what it was asked is read by their decoders, so that a test
says everything in playhead's vocabulary and names a wire only where it names a model. Sockets, framing, status lines
and what goes wrong with them are real.

| module | holds |
|---|---|
| answers | what a script is made of: replies, refusals, raw bytes, and what may go wrong with each |
| received | a request as it came, and its meaning |
| speech | an answer as the bytes of the wire that was asked in |
| bill | what the provider counts and charges; how often it may be asked |
| http_server | HTTP/1.1 on a socket, by hand, so that it can be broken by hand |
| provider | the fake provider: a script, a server and a bill |
| scripted | a model that answers by script, without any of that |
| plugin | pytest's: a tape for each test (beside it: naming, shelf, missed, network, summary) |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playhead.testing.answers import Answer, garbage, raw, refuse, reply, tool_call
    from playhead.testing.provider import FakeProvider
    from playhead.testing.received import Received
    from playhead.testing.scripted import ScriptedModel

__all__ = ["Answer", "FakeProvider", "Received", "ScriptedModel", "garbage", "raw", "refuse", "reply", "tool_call"]

_HOMES = {"FakeProvider": "provider", "Received": "received", "ScriptedModel": "scripted"}


def __getattr__(name: str) -> Any:
    # Names load when they are used: pytest imports this package at each start, for its plugin alone.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'answers')}"), name)
