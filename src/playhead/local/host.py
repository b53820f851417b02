"""The program that runs llama.cpp's server, in a process of its own.

It is started by path, isolated and without site-packages, so it imports nothing of playhead and starts in some 40 ms.
One JSON line on standard input says what to do; one JSON line on standard output says how it went::

    {"engine": "/…/site-packages", "path": "/…/model.gguf", "name": "smollm2", "key": "…", "verbosity": 1, …}
    -> {"url": "http://127.0.0.1:43471"}      or      {"error": "…"}

Then it waits for the end of its standard input, which comes when its owner closes it, exits or is killed, and ends at
once without llama.cpp's own teardown. That is the reason for the process: in the user's own, llama.cpp's teardown can
wait for ever or crash while an answer is being made, a forked child hangs at its exit, and a fault in native code
takes everything with it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any


def main() -> None:
    """Serve one model until standard input ends."""
    # Ctrl-C in a terminal reaches every process of the group; only the owner decides when this one ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settings = json.loads(sys.stdin.buffer.readline())
    # Whatever native code prints goes to standard error, so that the answer is alone on its pipe.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as reply:
        os.dup2(2, 1)
        try:
            server = serve(settings)
            answer = {"url": server.listening_address}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        reply.write(json.dumps(answer) + "\n")
    if "url" in answer:
        while sys.stdin.buffer.readline():
            pass
    sys.stderr.flush()
    os._exit(0)


def serve(settings: dict[str, Any]) -> Any:
    """Start llama.cpp's server for these settings; it answers from the moment this returns."""
    sys.path.append(settings["engine"])
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = settings["path"]
    # Answers name the model by this, so that no path of the user's reaches a tape.
    params.model_alias = {settings["name"]}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [settings["key"]]
    params.n_ctx = settings["context"]
    params.n_parallel = settings["slots"]
    params.kv_unified = True
    params.n_predict = settings["max_tokens"]
    for cpu in (params.cpuparams, params.cpuparams_batch):
        cpu.n_threads = settings["threads"]
        cpu.poll = 0  # a waiting thread sleeps instead of spinning: the cores are the user's
    params.sampling.temp = 0.0
    params.sampling.seed = 0
    params.warmup = False
    params.ui = False
    params.endpoint_slots = False
    params.cache_ram_mib = 0
    params.verbosity = settings["verbosity"]
    if settings["embeds"]:
        params.embedding = True
        params.n_batch = params.n_ubatch = settings["embeds"]  # a text must fit into one batch
        if settings["pooling"] == "mean":
            params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    return xllamacpp.Server(params)


if __name__ == "__main__":
    main()
