"""How a command that serves runs: until Ctrl-C, SIGTERM or SIGHUP, which are how it is meant to end.

The address is printed when connections are accepted, and not before, so that a script may wait for the line. With
``--json`` it is an object on a line of its own. What goes wrong meanwhile is said on stderr, at once.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playhead.deck.http1.listener import Listener


def add_address(parser: argparse.ArgumentParser, port: int) -> None:
    """The arguments ``--host`` and ``--port``."""
    parser.add_argument(
        "--port", type=int, default=port, metavar="N", help=f"where to listen; 0 is any that is free (default: {port})"
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="NAME",
        help="at which address; others than loopback let others in (default: 127.0.0.1)",
    )


def serve_until_stopped(listener: Listener, said: str, fields: dict[str, Any], as_json: bool) -> None:
    """Serve; print ``said`` and the address, or as JSON the address and the fields.

    Raises:
        ConfigError: the address cannot be listened at.
    """

    def ready() -> None:
        if as_json:
            from playhead.cli.document import encode_json

            line = encode_json({"url": listener.url, **fields})
        else:
            line = f"{said}, at {listener.url}"
        print(line, flush=True)

    def tell(message: str) -> None:
        if as_json:
            from playhead.cli.document import encode_json

            line = encode_json({"note": message})
        else:
            from playhead.cli.paint import clean

            line = clean(f"note: {message}")
        with suppress(OSError):  # nobody reads it, and those who are served go on
            print(line, file=sys.stderr, flush=True)

    listener.on_note = tell

    async def main() -> None:
        import signal

        loop = asyncio.get_running_loop()
        serving = loop.create_task(listener.run(ready))
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is None or signal.getsignal(number) is signal.SIG_IGN:
                continue
            try:
                loop.add_signal_handler(number, serving.cancel)
            except NotImplementedError:  # Windows: Ctrl-C raises KeyboardInterrupt, which ends it as well
                break
        await serving

    with suppress(asyncio.CancelledError, KeyboardInterrupt):
        asyncio.run(main())
    sys.stdout.flush()
