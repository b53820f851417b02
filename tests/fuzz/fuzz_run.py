"""Runs the laws over bytes that atheris makes up, guided by what code they reach.

    python tests/fuzz/fuzz_run.py                     each law for FUZZ_SECONDS (60), from a corpus of recorded bytes
    python tests/fuzz/fuzz_run.py tape                one of them
    python tests/fuzz/fuzz_run.py tape FILE           a law over this input, to see a crash again; atheris is not needed

The corpus is made from ``examples/`` and, where PLAYHEAD_CASSETTES names a folder of recordings, from those; what is
found to reach further is kept with it in ``.fuzz/corpus``. An input that breaks a law, takes more than ten seconds or
two gigabytes is kept in ``.fuzz/crashes``, and how to see it again is printed; FUZZ_FOLDER names another place than
``.fuzz``. Ends with 1 where there was one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha1
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
KEPT = Path(os.environ.get("FUZZ_FOLDER") or ROOT / ".fuzz").absolute()
CORPUS, CRASHES = KEPT / "corpus", KEPT / "crashes"
NAMES = ("sse", "aws_event_stream", "tape")

#: Bytes of an input, at most: the laws read each many times over, and what is longer is tried too seldom.
LONGEST = 4096
#: Bytes of a stream, and of each body of a tape, in a seed.
STREAM, BODY = 1500, 300


def fuzz(name: str, folder: Path) -> None:
    """Run one law until its time is over; atheris ends the process."""
    import atheris

    with atheris.instrument_imports(include=["playhead.framing", "playhead.tapes"]):
        from fuzz_laws import LAWS
    law = LAWS[name]
    seconds = os.environ.get("FUZZ_SECONDS", "60")
    flags = (f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=10", "-rss_limit_mb=2048")
    atheris.Setup(
        [sys.argv[0], *flags, "-print_final_stats=1", f"-artifact_prefix={CRASHES}/{name}-", str(folder)], law
    )
    atheris.Fuzz()


def replay(name: str, file: Path) -> None:
    """Run one law over one input: a crash shows its traceback."""
    from fuzz_laws import LAWS

    LAWS[name](file.read_bytes())
    print(f"{file}: the law of {name} holds")


def seeds(name: str) -> Iterator[bytes]:
    """Recorded bytes, cut short: a tape's first exchange in its own layout, or the bodies of streams."""
    import msgspec

    from playhead.errors import TapeFormatError
    from playhead.tapes import Tape

    folders = [ROOT / "examples", *filter(None, [os.environ.get("PLAYHEAD_CASSETTES")])]
    for file in sorted(found for folder in folders for found in Path(folder).rglob("*.yaml")):
        try:
            tape = Tape.load(file)
        except TapeFormatError:
            continue
        if name == "tape":
            first, replace = tape.interactions[0], msgspec.structs.replace
            request = replace(first.request, body=first.request.body[:BODY])
            response = replace(first.response, body=first.response.body[:BODY])
            tape.interactions[:] = [replace(first, request=request, response=response)]
            yield tape.dumps()
            continue
        for interaction in tape.interactions:
            body = interaction.response.body
            if body.startswith(b"\0" if name == "aws_event_stream" else (b"data:", b"event:", b":")):
                yield body[:STREAM]


def sown(name: str) -> Path:
    """The folder of a law's corpus, with the seeds in it."""
    folder = CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    CRASHES.mkdir(parents=True, exist_ok=True)
    for seed in seeds(name):
        if len(seed) <= LONGEST:
            (folder / sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)
    return folder


def run_all(names: tuple[str, ...]) -> int:
    """Each law in a process of its own; 1 where one of them was broken."""
    before = set(CRASHES.glob("*"))
    for name in names:
        folder = sown(name)
        print(f"{name}: {len(list(folder.iterdir()))} inputs to begin with", flush=True)
        subprocess.run([sys.executable, __file__, "--fuzz", name], check=False)
    broken = sorted(set(CRASHES.glob("*")) - before)
    for crash in broken:
        name = next(name for name in names if crash.name.startswith(f"{name}-"))
        print(f"see it again: python tests/fuzz/fuzz_run.py {name} {os.path.relpath(crash)}")
    return 1 if broken else 0


def main() -> int:
    """Read the arguments."""
    match sys.argv[1:]:
        case ["--fuzz", name]:
            fuzz(name, CORPUS / name)
            return 0
        case []:
            return run_all(NAMES)
        case [name] if name in NAMES:
            return run_all((name,))
        case [name, file] if name in NAMES:
            replay(name, Path(file))
            return 0
    print(f"usage: python tests/fuzz/fuzz_run.py [{'|'.join(NAMES)} [FILE]]", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
