"""MCP servers as toolsets of an agent: ``mcp("https://…/mcp")``, ``mcp(command=["python", "server.py"])``.

:mod:`.toolset` is what a caller holds, :mod:`.connection` the line to a server in one event loop, :mod:`.process` a
server that is a child of this process, :mod:`.listing` the tools that a server says it has, and how they stand on a
tape, :mod:`.content` what a server gives back, as parts of a message. The protocol itself is spoken by its official
library, ``mcp``; its specification is at https://modelcontextprotocol.io/specification. A replay needs neither.
"""
