"""Bring recordings in and out: vcrpy's cassettes, HTTP archives and lines of prompts to tapes, and tapes to them.

What the format of a file is, its content says. A folder is gone through with all that is in it, and its files are
written under the same names into the folder OUT; what is no recording there is passed over. Headers that no tape holds
(keys, cookies) are left out, and all that could not be carried over is told.

  playhead convert cassette.yaml -o tape.yaml
  playhead convert tests/cassettes -o tapes
  playhead convert florence.yaml --to har -o florence.har
  playhead convert prompts.jsonl --to jsonl --model gpt-5-mini -o batch.jsonl
"""

from __future__ import annotations

import argparse
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from playhead.cli.ends import FAILED, UsageError

if TYPE_CHECKING:
    from playhead.cli.paint import Paint
    from playhead.tapes.formats.brought import Brought, Loss

SUMMARY = "make tapes of other recordings, and other recordings of tapes"

SUFFIXES = {"go-vcr": ".yaml", "vcrpy": ".yaml", "har": ".har", "jsonl": ".jsonl"}
#: The files of a folder that are looked at.
_LOOKED_AT = (".yaml", ".yml", ".json", ".har", ".jsonl", ".yaml.gz", ".yml.gz", ".json.gz")


class Row(msgspec.Struct, omit_defaults=True):
    """What became of one file. ``exchanges`` is how many were written, ``requests`` how many lines of a batch."""

    file: str
    ok: bool
    format: str | None = None
    out: str | None = None
    exchanges: int = 0
    requests: int = 0
    losses: tuple[Loss, ...] = ()
    skipped: bool = False
    error: str | None = None


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``playhead convert``."""
    parser.add_argument("inputs", metavar="IN", nargs="+", help="recordings, or folders of them")
    parser.add_argument(
        "-o", "--out", metavar="OUT", help="the file to write, a pipe, or the folder; stdout without it"
    )
    parser.add_argument("--to", choices=tuple(SUFFIXES), default="go-vcr", help="the format to write; go-vcr, a tape")
    parser.add_argument("--check", action="store_true", help="write nothing, tell what would become of each file")
    parser.add_argument("--force", action="store_true", help="write over files that are there")
    parser.add_argument(
        "--keep-header", metavar="NAME", action="append", default=[], help="keep a header that no tape holds"
    )
    parser.add_argument("--requests", metavar="FILE", help="the requests of a batch, where IN are its results")
    parser.add_argument("--model", help="the model of lines that name none")
    parser.add_argument("--base-url", metavar="URL", help="where the URLs of a batch's lines begin")


def main(arguments: argparse.Namespace) -> int:
    """Convert them all; one that cannot be does not keep the others from it."""
    from playhead.cli.paint import Paint
    from playhead.errors import ConfigError, TapeError, TapeFormatError

    if arguments.out is not None and _is_stdout(arguments.out):
        arguments.out = None
    plan = _planned(arguments)
    alone = len(arguments.inputs) == 1 and not os.path.isdir(arguments.inputs[0])
    rows: list[Row] = []
    taken: dict[str, str] = {}
    for source, target, found in plan:
        row = Row(source, False)
        try:
            if target is not None and (before := taken.setdefault(str(target), source)) != source:
                raise UsageError(f"{before} is written to {target} already: convert one of them by itself")
            _convert(row, source, target, arguments)
        except (UsageError, ConfigError, TapeError) as error:
            if alone:
                raise
            row.skipped = found and row.format is None and isinstance(error, TapeFormatError)
            row.ok, row.error = row.skipped, str(error)
        rows.append(row)
    _tell(rows, arguments, Paint.of(sys.stderr if arguments.out is None else sys.stdout, arguments.color))
    return 0 if all(row.ok for row in rows) else FAILED


def _planned(arguments: argparse.Namespace) -> list[tuple[str, Path | None, bool]]:
    """Each file, where it goes (None: to stdout, or nowhere) and whether it was found in a folder."""
    inputs: list[str] = arguments.inputs
    many = len(inputs) > 1 or os.path.isdir(inputs[0])
    out = Path(arguments.out) if arguments.out is not None else None
    if out is None and not arguments.check and (many or arguments.json):
        raise UsageError("say where to write: -o OUT; or --check, to write nothing")
    if many and out is not None and out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file: several recordings are written into a folder")
    plan: list[tuple[str, Path | None, bool]] = []
    for name in inputs:
        if not os.path.isdir(name):
            inside = out is not None and (many or out.is_dir())
            plan.append((name, _named(out, Path(Path(name).name), arguments.to) if out and inside else out, False))
            continue
        plan += [
            (str(path), _named(out, path.relative_to(name), arguments.to) if out else None, True)
            for path in _files(name, out)
        ]
    return plan


def _files(folder: str, out: Path | None) -> Iterator[Path]:
    """The files of a folder and of those in it, in the order of their names; what was written here is passed over."""
    ours = out.resolve() if out is not None else None
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and Path(place, name).resolve() != ours
        )
        for name in sorted(names):
            if name.lower().endswith(_LOOKED_AT) and not name.startswith("."):
                yield Path(place, name)


def _named(out: Path | None, name: Path, format: str) -> Path | None:
    if name.suffix.lower() == ".gz":
        name = name.with_suffix("")
    keeps = SUFFIXES[format] == ".yaml" and name.suffix.lower() == ".yml"
    return None if out is None else out / (name if keeps else name.with_suffix(SUFFIXES[format]))


def _convert(row: Row, source: str, target: Path | None, arguments: argparse.Namespace) -> None:
    from playhead.tapes.formats import write
    from playhead.tapes.formats.brought import Losses, cleaned

    if target is not None and target.exists():
        if target.samefile(source):
            raise UsageError(f"{target} is what is read: name another file with -o")
        if not arguments.force and not arguments.check and not _takes(target):
            raise UsageError(f"{target} is there already: name another file, or write over it with --force")
    brought = _read(row, source, arguments)
    kept, left = cleaned(brought.interactions, arguments.keep_header)
    brought = msgspec.structs.replace(brought, interactions=kept)
    losses = Losses()
    if brought.asks and arguments.to != "jsonl":
        if not kept:
            raise UsageError(
                f"{source}: requests without answers, and a recording holds exchanges: ask them, or make lines of a "
                "batch with --to jsonl"
            )
        losses.add("a request without an answer (left out): --to jsonl keeps it", len(brought.asks))
    written = write(brought, arguments.to, json=target is not None and target.suffix.lower() == ".json")
    row.losses = (*brought.losses, *left, *losses.told(), *written.losses)
    if arguments.to == "jsonl":
        row.requests = written.data.count(b"\n")
    else:
        row.exchanges = len(kept)
    if not arguments.check:
        _write(written.data, target, like=source)
        row.out = None if target is None else str(target)
    row.ok = True


def _read(row: Row, source: str, arguments: argparse.Namespace) -> Brought:
    from playhead.cli.reading import read_bytes
    from playhead.tapes.formats import read
    from playhead.tapes.formats.detect import detect

    data = read_bytes(source)
    row.format = detect(data)
    if row.format != "jsonl":
        return read(data, source, row.format)
    from playhead.tapes.formats.lines import BASE, read_lines

    requests = read_bytes(arguments.requests) if arguments.requests is not None else None
    base = arguments.base_url or BASE
    return read_lines(data, source, requests=requests, base=base, model=arguments.model)


def _is_stdout(name: str) -> bool:
    """Whether what is called so is where stdout leads, as ``/dev/stdout`` is."""
    try:
        return os.path.samestat(os.stat(name), os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError):
        return False


def _takes(target: Path) -> bool:
    """Whether bytes are written into what is there and nothing is replaced: a pipe, or a device such as a terminal."""
    mode = target.stat().st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def _write(data: bytes, target: Path | None, like: str) -> None:
    """Write what was made of a file, which it is not more open than."""
    if target is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    from playhead.errors import TapeError
    from playhead.tapes.files import write_whole

    try:
        if target.exists() and _takes(target):
            target.write_bytes(data)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, data, like=[Path(like)])
    except TapeError as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror or error}") from error


def _tell(rows: list[Row], arguments: argparse.Namespace, paint: Paint) -> None:
    """What became of the files: on stdout, or beside it where that is the recording itself."""
    from playhead.cli.paint import clean, plural

    if arguments.json:
        from playhead.cli.document import encode_json

        document: dict[str, Any] = {"ok": all(row.ok for row in rows), "to": arguments.to, "files": rows}
        sys.stdout.write(encode_json(document, indent=True) + "\n")
        return
    out = sys.stderr if arguments.out is None and not arguments.check else sys.stdout
    for row in rows:
        if row.skipped:
            print(paint.dim(f"{clean(row.file)}: passed over, it is no recording that is known"), file=out)
            continue
        if row.error is not None:
            print(paint.red("not converted") + f"  {clean(row.error)}", file=out)
            continue
        count = plural(row.requests, "request") if arguments.to == "jsonl" else plural(row.exchanges, "exchange")
        to = f" → {clean(row.out)}" if row.out is not None else ""
        print(f"{clean(row.file)} ({row.format}){to}: {paint.green(count)}", file=out)
        width = max((len(str(loss.count)) for loss in row.losses), default=0)
        for loss in row.losses:
            print(paint.dim(f"  {loss.count:{width}}  {clean(loss.what)}"), file=out)
    if len(rows) > 1:
        good = [row for row in rows if row.ok and not row.skipped]
        words = [f"{len(good)} of {plural(len(rows), 'file')}"]
        words += [f"{passed} passed over"] if (passed := sum(row.skipped for row in rows)) else []
        words.append(plural(sum(row.requests + row.exchanges for row in good), "exchange"))
        print(", ".join(words), file=out)
