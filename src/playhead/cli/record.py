"""Record what any client asks of a provider: a proxy to be given to it as its base URL.

Answers are handed on as they come and are on the tape before the client has them in full; each retry is an exchange of
its own. Keys pass through and never reach the tape. A tape that is there is gone on with.

  playhead record --upstream https://api.openai.com --tape run.yaml --port 8081
  playhead record --upstream /openai=https://api.openai.com --upstream /claude=https://api.anthropic.com --tape run.yaml

With --tape-per-client, a client that says its name, http://127.0.0.1:8081/@alice/v1, has run-alice.yaml; one that does
not has a tape for each of its connections, run.1.yaml. Ctrl-C ends it. Where the tape could not be written, it says so
at once; what was recorded is saved elsewhere at the end then, and the exit status is 1.
"""

from __future__ import annotations

import argparse

from playhead.cli.ends import FAILED

SUMMARY = "record what any client asks, as a proxy"


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``playhead record``."""
    from playhead.cli.serving import add_address

    parser.add_argument(
        "--upstream",
        action="append",
        required=True,
        metavar="[PREFIX=]URL",
        help="where to pass requests on to; with a prefix, those whose path begins with it, which is taken away",
    )
    parser.add_argument("--tape", required=True, metavar="TAPE", help="where to record")
    add_address(parser, 8081)
    parser.add_argument("--tape-per-client", action="store_true", help="a tape for each client, named after TAPE")
    parser.add_argument(
        "--secret-env",
        action="append",
        default=[],
        metavar="NAME",
        help="keep the value of this environment variable off the tape, too",
    )


def main(arguments: argparse.Namespace) -> int:
    """Record until stopped."""
    import os

    from playhead.cli.ends import UsageError
    from playhead.cli.paint import clean, plural
    from playhead.cli.serving import serve_until_stopped
    from playhead.deck.record.proxy import RecordingProxy

    missing = [name for name in arguments.secret_env if not os.environ.get(name)]
    if missing:
        raise UsageError(f"--secret-env: the environment has no {missing[0]}")
    proxy = RecordingProxy(
        *arguments.upstream,
        tape=arguments.tape,
        host=arguments.host,
        port=arguments.port,
        tape_per_client=arguments.tape_per_client,
        secrets=[os.environ[name] for name in arguments.secret_env],
    )
    whose = "a tape for each client, named after " if arguments.tape_per_client else ""
    said = f"recording on {whose}{clean(arguments.tape)}"
    fields = {"tape": arguments.tape, "upstreams": proxy.upstreams}
    serve_until_stopped(proxy, said, fields, arguments.json)
    if arguments.json:
        from playhead.cli.document import encode_json

        saved = [str(path) for path in proxy.saved]
        print(encode_json({"recorded": proxy.recorded, "saved": saved, "notes": proxy.notes}))
    else:
        print(f"{plural(proxy.recorded, 'exchange')} recorded")
    return FAILED if proxy.saved or proxy.lost else 0
