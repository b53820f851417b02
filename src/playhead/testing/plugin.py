"""The pytest plugin: a tape for each test, by the fixture ``tape``.

::

    def test_florence(tape):
        assert "40" in agent.run_sync("What's the weather in Florence?", tape=tape).text

The first run records ``tests/tapes/test_weather/test_florence.yaml``; from then on it is played. The mode is the one of
``--tape-mode``, else what playhead does anyway: replay where ``CI`` is set, else once. ``record`` makes all tapes anew,
each replaced only when its test has passed. While a tape replays the network is shut.

pytest imports this module at each start, whether or not a test has a tape. So it imports nothing of playhead before
one has, and until then does nothing. Where tapes are is in ``naming``, what becomes of them in ``shelf``, what a miss
says in ``missed``, what is said at the end in ``summary``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import ExitStack
from inspect import iscoroutinefunction, signature
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playhead.tapes import Mode
    from playhead.testing.shelf import Shelf, TapeOfTest
    from playhead.testing.summary import Book

_MODES = ("once", "replay", "record", "resume", "off")
_ANEW = "Was this meant? Then record it anew:"

_book: pytest.StashKey[Book] = pytest.StashKey()
_replaced: pytest.StashKey[set[Path]] = pytest.StashKey()
_shelf: pytest.StashKey[Shelf] = pytest.StashKey()
_passed: pytest.StashKey[bool] = pytest.StashKey()
_partial: pytest.StashKey[bool] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("playhead", "tapes of agents")
    group.addoption(
        "--tape-mode",
        choices=_MODES,
        help="what tests do with their tapes: once (default: play, or record where there is none), replay (default "
        "where CI is set: never go live), record (all anew; a test that fails keeps its old tape), resume (go live "
        "where a tape ends), off (go live, record nothing)",
    )
    group.addoption(
        "--tape-strict",
        action="store_true",
        help="a tape that is not used, not passed on, or not played to its end, is a failure",
    )
    group.addoption(
        "--tape-allow-network", action="store_true", help="leave the network open to tests whose tape replays"
    )
    parser.addini(
        "tape_folder", "the folder of all tapes, from the root; default: tapes/ beside each test module", default=""
    )
    parser.addini(
        "tape_allow_network", "leave the network open to tests whose tape replays", type="bool", default=False
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "tape(name): the file of the test's tape, from the folder of its tapes")


@pytest.fixture
def tape(request: pytest.FixtureRequest) -> Generator[TapeOfTest]:
    """The tape of this test, where ``tape=`` takes one; ``tape("second")`` is a further one."""
    from playhead.tapes import default_mode
    from playhead.testing.shelf import Shelf

    config, item = request.config, request.node
    mode: Mode = config.getoption("--tape-mode") or default_mode(os.environ)
    keep = _cache_folder(config) if mode == "record" else None
    shelf = item.stash[_shelf] = Shelf(_place(item), mode, config.stash.setdefault(_replaced, set()), keep)
    allowed = config.getoption("--tape-allow-network") or config.getini("tape_allow_network")
    if request.instance is not None and hasattr(request.instance, "assertEqual"):
        request.instance.tape = shelf.tape  # a unittest.TestCase, whose methods are given no fixtures
    book = _book_of(config)
    with ExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).setenv("PLAYHEAD_TAPE_MODE", shelf.run_mode)
        if mode == "replay" and not allowed:
            from playhead.testing.network import no_network

            way_out = (
                f"{_command(item)} asks anew what the tape lacks; --tape-allow-network (or tape_allow_network = true) "
                "leaves the network open."
            )
            stack.enter_context(no_network(f"{item.nodeid} replays a tape", way_out))
        yield shelf.tape
    for path in shelf.put_away(item.stash.get(_passed, False)):
        book.recorded.setdefault(str(path), set()).add(_worker(config))
    for kept in shelf.kept:
        item.add_report_section("teardown", "tape", f"what this test recorded is kept in {kept}")
    book.used |= {str(one.path) for one in shelf.used}
    if item.stash.get(_passed, False) and mode != "off":
        book.passed.add(item.nodeid)


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """An async test with a tape is run here, where no other plugin has made it its own."""
    function = pyfuncitem.obj
    if "tape" not in pyfuncitem.fixturenames or not iscoroutinefunction(function):
        return None
    import asyncio

    given = pyfuncitem.funcargs
    asyncio.run(function(**{name: given[name] for name in signature(function).parameters if name in given}))
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    result = yield
    shelf = item.stash.get(_shelf, None)
    if shelf is None or getattr(item, "_excinfo", None):
        return result
    if _takes_tape(item) and not shelf.used and shelf.mode != "off":
        forgotten = "it takes a tape and passes it to no run: what it asked was neither played nor recorded"
        if item.config.getoption("--tape-strict"):
            pytest.fail(f"{forgotten}. Pass it on (tape=tape), or take none", pytrace=False)
        _book_of(item.config).left.append(f"{item.nodeid}: {forgotten}")
    if left := shelf.left:
        if item.config.getoption("--tape-strict"):
            pytest.fail("\n".join([*left, f"{_ANEW} {_command(item)}"]), pytrace=False)
        _book_of(item.config).left += [f"{item.nodeid}: {one}" for one in left]
    return result


def _takes_tape(item: pytest.Item) -> bool:
    """Whether the test itself asks for a tape; a class or another fixture may ask for one that not every test needs."""
    function = getattr(item, "obj", None)
    return function is not None and "tape" in signature(function).parameters


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """A miss is told as what it is, before pytest makes a report of it: no plugin before this one reports."""
    if call.when == "call" and item.stash.get(_shelf, None) is not None:
        item.stash[_passed] = call.excinfo is None
    errors = sys.modules.get("playhead.errors")
    if call.excinfo is None or errors is None or not isinstance(call.excinfo.value, errors.TapeError):
        return
    error, shelf = call.excinfo.value, item.stash.get(_shelf, None)
    tape = f"the tape {_shown(shelf)}" if shelf is not None else "the tape"
    if isinstance(error, errors.TapeMissError):
        from playhead.testing.missed import told

        error.args = (told(error, tape, f"{_ANEW} {_command(item)}"),)
    elif isinstance(error, errors.TapeModeError) and shelf is not None and not any(t.path.exists() for t in shelf.used):
        error.args = (f"there is no tape {_shown(shelf)} to replay; record it: {_command(item)}",)
    error.__suppress_context__, error.__cause__ = True, None
    frames: list[TracebackType] = []
    at: TracebackType | None = call.excinfo.tb
    while at is not None:
        if not _is_internal(at.tb_frame.f_code.co_filename):
            frames.append(at)
        at = at.tb_next
    own: TracebackType | None = None
    for frame in reversed(frames):  # linked anew, without those of the loop: where the test asked is what is shown
        own = TracebackType(own, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    if own is not None:
        call.excinfo = pytest.ExceptionInfo.from_exception(error.with_traceback(own))


def pytest_collection_finish(session: pytest.Session) -> None:
    config = session.config
    for item in session.items:
        if "tape" in getattr(item, "fixturenames", ()):
            from playhead.testing.naming import folder_of

            book = _book_of(config)
            book.claim(_place(item), item.nodeid)
            book.folders.add(str(folder_of(item.path, config.rootpath, config.getini("tape_folder"))))
            if session.testsfailed or config.getoption("--ignore") or config.getoption("--ignore-glob"):
                book.partial = True
            if config.getoption("lf", False) or any("::" in str(arg) for arg in config.args):
                book.partial = True


def pytest_deselected(items: list[pytest.Item]) -> None:
    if items:
        items[0].config.stash[_partial] = True


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    config = session.config
    book = config.stash.get(_book, None)
    if book is None:
        return
    book.partial = book.partial or config.stash.get(_partial, False)
    if hasattr(config, "workeroutput"):
        config.workeroutput["playhead_tapes"] = book.plain()
    elif config.getoption("--tape-strict") and exitstatus == 0 and (book.unused(_given(config)) or book.torn()):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """A worker of pytest-xdist is done; one that died has said nothing, and what it would have used is not known."""
    output = getattr(node, "workeroutput", None)
    if output is None:
        node.config.stash[_partial] = True
    elif "playhead_tapes" in output:
        from playhead.testing.summary import Book

        _book_of(node.config).add(Book.of(output["playhead_tapes"]))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    book = config.stash.get(_book, None)
    lines = [] if book is None else book.sentences(book.unused(_given(config)))
    if lines:
        terminalreporter.section("tapes")
        for line in lines:
            terminalreporter.line(line)


def _book_of(config: pytest.Config) -> Book:
    from playhead.testing.summary import Book

    return config.stash.setdefault(_book, Book())


def _place(item: pytest.Item) -> Path:
    """The path of a test's tape."""
    from playhead.testing.naming import folder_of, place_of

    config = item.config
    root, configured = config.rootpath, config.getini("tape_folder")
    marker = item.get_closest_marker("tape")
    if marker is not None:
        if len(marker.args) != 1 or marker.kwargs:
            raise pytest.UsageError(f'{item.nodeid}: @pytest.mark.tape takes the name of a file: tape("name.yaml")')
        return Path(os.path.normpath(folder_of(item.path, root, configured) / marker.args[0]))
    classes = [node.name for node in item.listchain() if isinstance(node, pytest.Class)]
    return place_of(item.path, classes, item.name, root, configured)


def _given(config: pytest.Config) -> list[Path]:
    """The folders that pytest was asked to run, by name or because nothing else was."""
    if config.args_source == pytest.Config.ArgsSource.TESTPATHS:
        return [config.rootpath]
    here = config.invocation_params.dir
    return [path for arg in config.args if (path := Path(os.path.normpath(here / str(arg)))).is_dir()]


def _command(item: pytest.Item) -> str:
    module = os.path.relpath(item.path, item.config.invocation_params.dir)
    return f"pytest {'::'.join([module, *item.nodeid.split('::')[1:]])!r} --tape-mode=record"


def _shown(shelf: Shelf) -> str:
    from playhead.testing.shelf import shown

    return ", ".join(shown(one.path) for one in shelf.used or [shelf.tape])


def _worker(config: pytest.Config) -> str:
    return str(getattr(config, "workerinput", {}).get("workerid", "main"))


def _cache_folder(config: pytest.Config) -> Any:
    """Where what failed tests recorded is kept; None where pytest keeps nothing."""
    cache = getattr(config, "cache", None)
    return None if cache is None else lambda: cache.mkdir("playhead-tapes")


def _is_internal(path: str) -> bool:
    """Whether a frame is playhead's, or that of the loop that ran it."""
    import asyncio

    roots = (str(Path(__file__).parents[1]), str(Path(asyncio.__file__).parent), __file__)
    return path.startswith(roots)
