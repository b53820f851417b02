"""Other people's recordings: read as the interactions of a tape, and a tape written as theirs. Bytes and values only.

| module | holds |
|---|---|
| brought | what reading or writing another format gives: interactions or bytes, and what could not be carried over |
| detect | which format some bytes are in, by what they say |
| documents | YAML and JSON as plain data, however strange, without ever making an object that they name |
| bodies | bodies as the formats write them, and content encodings undone as Go's client undoes them |
| cassette, cassette_write | VCR's family: vcrpy of all ages, Ruby's VCR and Betamax, version 1 of go-vcr |
| har, har_write | HTTP Archive 1.2, as browsers and proxies write it |
| lines | one JSON object on a line: prompts, and the requests and results of a batch |

Reading refuses with a TapeFormatError what is none, and carries over everything that a tape has a place for: no header
is left out here, which is done by who writes a tape to a file (:func:`playhead.tapes.formats.brought.cleaned`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from playhead.tapes.formats.brought import Brought, Format, Written
    from playhead.tapes.tape import Tape


def read(data: bytes, path: str | None = None, format: Format | None = None) -> Brought:
    """A recording in any format that is known, which its bytes say where ``format`` does not.

    Raises:
        TapeFormatError: it is in none, or is broken; says the line where it is known.
    """
    from playhead.errors import TapeFormatError
    from playhead.tapes.formats.brought import Brought, Loss
    from playhead.tapes.formats.detect import detect, unpacked

    data = unpacked(data)
    match format or detect(data):
        case None:
            raise TapeFormatError(
                "no recording that is known: expected a go-vcr tape, a cassette of vcrpy or VCR, an HTTP archive, or "
                "lines of JSON for a batch",
                path=path,
            )
        case "go-vcr":
            from playhead.tapes.tape import Tape

            tape = Tape.loads(data, None if path is None else _path(path))
            return Brought("go-vcr", tuple(tape.interactions), tuple(Loss(warning) for warning in tape.warnings))
        case "har":
            from playhead.tapes.formats.har import read_har

            return read_har(data, path)
        case "jsonl":
            from playhead.tapes.formats.lines import read_lines

            return read_lines(data, path)
        case other:
            from playhead.tapes.formats.cassette import read_cassette

            return read_cassette(data, path, other)


def as_tape(brought: Brought, path: str | None = None) -> Tape:
    """The tape that a recording is, in memory. What was not carried over is in its ``warnings``."""
    from playhead.tapes.tape import Tape

    tape = Tape(brought.interactions, None if path is None else _path(path))
    tape.warnings = [f"{loss.what} ({loss.count} times)" if loss.count > 1 else loss.what for loss in brought.losses]
    return tape


def write(brought: Brought, format: str, *, json: bool = False) -> Written:
    """A recording in another format; ``json`` writes a cassette of vcrpy's in JSON.

    Raises:
        ConfigError: the format cannot hold it.
    """
    from playhead.errors import ConfigError
    from playhead.tapes.formats.brought import WRITTEN, Written

    match format:
        case "go-vcr":
            return Written(as_tape(brought).dumps())
        case "vcrpy":
            from playhead.tapes.formats.cassette_write import write_cassette

            return write_cassette(brought.interactions, "json" if json else "yaml")
        case "har":
            from playhead.tapes.formats.har_write import write_har

            return write_har(brought.interactions)
        case "jsonl":
            from playhead.tapes.formats.lines import write_lines

            return write_lines(brought.interactions, brought.asks)
        case _:
            raise ConfigError(f"no format {format!r} is written; there are: {', '.join(WRITTEN)}")


def _path(path: str) -> Path:
    from pathlib import Path

    return Path(path)
