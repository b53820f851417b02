"""``--tool FILE.py:NAME``: tools from a Python file of the user's.

The file is imported once, its folder on the path as if it were run, so that it may import its neighbours. Without a
name every ``@tool`` and toolset of the file is taken; with one, a plain function will do. An agent is found in the same
way, also in a module that can be imported from here, ``package.module:NAME``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

from playhead.cli.ends import UsageError
from playhead.cli.wording import said
from playhead.errors import nearest

if TYPE_CHECKING:
    from types import ModuleType

    from playhead.agent.agent import Agent
    from playhead.agent.tools import AnyTool
    from playhead.agent.toolsets import Toolset


def load_tools(specs: Iterable[str]) -> list[AnyTool | Toolset]:
    """The tools and toolsets that the command line names, in order.

    Raises:
        UsageError: no such file, it does not import (the message has the line), or no such tool in it.
    """
    modules: dict[Path, ModuleType] = {}
    found: dict[str, AnyTool | Toolset] = {}
    for spec in specs:
        path, name = _split(spec)
        module = modules.get(path) or _imported(path)
        modules[path] = module
        for tool in _taken(module, path, name):
            found.setdefault(tool.name, tool)
    return list(found.values())


def load_agent(spec: str) -> tuple[Agent[Any], str, str]:
    """The agent that ``FILE.py:NAME`` or ``module:NAME`` names, its name, and the first line of the file's docstring.

    Raises:
        UsageError: no such file, it does not import, or no such agent in it.
    """
    from playhead.agent.agent import Agent

    word, _, name = spec.partition(":")
    if is_module(word):
        module, where = _named_module(word), word
    else:
        path, name = _split(spec, "")
        module, where = _imported(path), path.name
    made = {key: value for key, value in vars(module).items() if isinstance(value, Agent)}
    if not name and len(made) == 1:
        name = next(iter(made))
    if not name or name not in made:
        there = f"there is {', '.join(made)}" if made else "there is none"
        raise UsageError(f"{spec} names no agent: expected FILE.py:NAME or module:NAME; in {where} {there}")
    return made[name], name, (module.__doc__ or "").strip().partition("\n")[0]


def is_module(word: str) -> bool:
    """Whether this is a module's name, and not a file's, and there is one, here or where Python looks."""
    from importlib.util import find_spec

    first = word.partition(".")[0]
    if not all(part.isidentifier() for part in word.split(".")) or word.endswith(".py"):
        return False
    _look_here()
    return first in sys.modules or find_spec(first) is not None


def _named_module(name: str) -> ModuleType:
    from importlib import import_module

    try:
        return import_module(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # it is anybody's code, and may raise anything
        raise UsageError(f"{name} does not import: {type(error).__name__}: {said(error)}") from error


def _look_here() -> None:
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)


def _split(spec: str, option: str = "--tool ") -> tuple[Path, str]:
    before, colon, name = spec.rpartition(":")
    path = Path(before if colon and before.endswith(".py") else spec)
    if path.suffix != ".py":
        raise UsageError(f"{option}{spec}: expected FILE.py or FILE.py:NAME")
    if not path.is_file():
        raise UsageError(f"{option}{spec}: no such file: {path}")
    return path.resolve(), name if path.name != Path(spec).name else ""


def _imported(path: Path) -> ModuleType:
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path}: cannot be imported")
    module = module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    sys.modules.setdefault(path.stem, module)  # annotations are looked up in the module by its name
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # it is anybody's code, and may raise anything
        why = f"{_where(error, path)}{type(error).__name__}: {said(error)}"
        raise UsageError(f"{path} does not import: {why}") from error
    return module


def _where(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f"line {error.lineno}: "
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"line {line}: " if line is not None else ""


def _taken(module: ModuleType, path: Path, name: str) -> list[AnyTool | Toolset]:
    from playhead.agent.tools import Tool
    from playhead.agent.toolsets import is_toolset

    made: dict[str, Any] = {
        key: value for key, value in vars(module).items() if isinstance(value, Tool) or is_toolset(value)
    }
    if not name:
        if not made:
            raise UsageError(f"{path} holds no tool: put @tool above a function, or name one as {path.name}:NAME")
        return list(made.values())
    value = getattr(module, name, None)
    if value is None:
        own = [
            key
            for key, item in vars(module).items()
            if isinstance(item, Tool) or (isinstance(item, FunctionType) and item.__module__ == module.__name__)
        ]
        raise UsageError(nearest(f"{path} has no {name!r}", name, own) if own else f"{path} has no functions")
    if isinstance(value, Tool) or is_toolset(value):
        return [value]
    if not callable(value):
        kind = type(value).__name__
        raise UsageError(f"{path}:{name} is {'an' if kind[0] in 'aeiou' else 'a'} {kind}, not a function")
    return [Tool(value)]
