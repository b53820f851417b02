"""The embedded model: a server that playhead starts itself, on loopback, at a port known only then. Requests and tapes
name it by a host of its own, for which the local transport puts the port.

The small models that run here know no tool calls, so tools are given as a JSON schema that the answer must hold.
"""

from __future__ import annotations

from playhead.providers.base import Provider

LOCAL = Provider(
    name="local",
    base_url="http://local.localhost/v1",
    key_env=(),
    profile={"reasoning_back": "reasoning_content", "tools": "constrained", "files": ()},
    options="CompatibleOptions",
    auth="optional",
)
