"""Where the tape of a test is: by the test's own name, so that nobody has to think of one.

    tests/test_weather.py::test_florence                  tests/tapes/test_weather/test_florence.yaml
    tests/test_weather.py::TestItaly::test_rome           tests/tapes/test_weather/TestItaly.test_rome.yaml
    tests/test_weather.py::test_city[rome]                tests/tapes/test_weather/test_city-rome.yaml
    tests/test_weather.py::test_city[São Paulo]           tests/tapes/test_weather/test_city-S-o-Paulo-0e1d5f.yaml

The folder ``tapes`` stands beside the test module; the ini option ``tape_folder`` names one place for all, under which
modules stand as they do under pytest's root. A name is a file's name on every system: what no file may be called by, or
what a file system that knows no capitals would confuse, is replaced and told apart by a hash of the whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

#: The folder beside a test module where nothing else is said.
FOLDER = "tapes"

#: Characters of a name that is kept as it is: with ``.yaml``, and the recorder's own additions, below the 255 bytes
#: of every file system.
LONGEST = 120

_UNSAFE = re.compile(r"[^A-Za-z0-9_.]+")


def folder_of(module: Path, root: Path, configured: str) -> Path:
    """The folder that holds the tapes of a test module's folder, or of all where one is configured."""
    return root / configured if configured else module.parent / FOLDER


def place_of(module: Path, classes: Sequence[str], test: str, root: Path, configured: str) -> Path:
    """The path of a test's tape. ``classes`` are those it stands in, outermost first; ``test`` is its name with what it
    is parametrised by, ``test_city[rome]``."""
    folder = folder_of(module, root, configured)
    if configured:
        inside = module.relative_to(root) if module.is_relative_to(root) else Path(module.name)
        folder = folder / inside.parent
    return folder / module.stem / f"{file_name('.'.join([*classes, test]))}.yaml"


def file_name(test: str) -> str:
    """A test's name as a file's, without suffix."""
    function, bracket, parameters = test.partition("[")
    if not bracket:
        return _kept(_UNSAFE.sub("-", function), test)
    parameters = parameters.removesuffix("]")
    plain = _UNSAFE.sub("-", parameters).strip("-.")
    name = f"{_UNSAFE.sub('-', function)}-{plain}"
    safe = plain == parameters and parameters.islower() | parameters.isdigit()
    return _kept(name, test) if safe else f"{_kept(name, test)[: LONGEST - 7]}-{_hash(test)}"


def another(path: Path, name: str) -> Path:
    """The path of a further tape of the test whose first is at ``path``: ``test_florence.second.yaml``."""
    return path.with_name(f"{path.stem}.{file_name(name)}{path.suffix or '.yaml'}")


def _kept(name: str, test: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 7]}-{_hash(test)}"


def _hash(test: str) -> str:
    return sha256(test.encode("utf-8", "surrogatepass")).hexdigest()[:6]
