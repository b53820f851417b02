"""The file that a recording grows in: locked while it does, appended to one whole interaction at a time.

Rules:

1. What is acknowledged is written: ``append`` returns when the bytes have been handed to the operating system in one
   write. After ``kill -9`` the file is a tape less, at worst, its torn last item. (No ``fsync``: after a power cut
   the newest items may be gone.)
2. What was paid for is not lost: an interaction that cannot be written (the disk is full) stays in ``tape``, and is
   written before the next one.
3. The end of the last whole item is known and written at, never the end of the file; so a write that was interrupted
   is done again over itself, and a torn item is cut off first.
4. A file that somebody else cut, took away or replaced while it is recorded is written again, whole, from what is in
   memory, and a note says so. Where something stands in its place now that is no part of it, nothing is written.
5. One process a file, told at once by a lock; in one process, all sessions on a path share one recorder.

The file is made, locked and read when the recorder opens, so that a second process, or a file that nothing can be
added to, is refused before anything was paid for. It is taken away again if nothing was recorded. An old file that is
to be recorded afresh is emptied only when the first interaction is written.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock

from playhead.errors import TapeError, TapeLockedError, TapeModeError
from playhead.tapes.files import NO_WAIT, check_kind, describe_file_error, look
from playhead.tapes.interaction import Interaction
from playhead.tapes.layout import HEAD, NEW
from playhead.tapes.lock import holder, lock, unlock
from playhead.tapes.tape import Tape
from playhead.tapes.yaml_write import encode_interaction

_registry: dict[str, Recorder] = {}
_registry_lock = Lock()
#: The files that this process has begun in mode ``once``.
_begun: set[str] = set()


def open_recorder(path: Path, *, afresh: bool) -> Recorder:
    """The recorder of this path, shared by all who have opened it in this process. ``close`` it once an opening.

    Args:
        afresh: replace what the file holds when the first interaction is written.

    Raises:
        TapeLockedError: another process records on the file.
        TapeModeError: this process records on it already, and not in this way; or nothing can be added to the file.
        TapeFormatError: the file is no tape.
        TapeError: the file cannot be opened.
    """
    real = os.path.realpath(path)
    with _registry_lock:
        recorder = _registry.get(real)
        if recorder is None:
            recorder = _registry[real] = Recorder(path, real, afresh=afresh)
        elif afresh and recorder.loaded:
            raise TapeModeError(f"the tape {path} is being continued by this process; it cannot be recorded afresh now")
        recorder.users += 1
        return recorder


def find_recorder(path: Path) -> Recorder | None:
    """The recorder of this path in this process, if there is one now. It may be closed by the next moment."""
    with _registry_lock:
        return _registry.get(os.path.realpath(path))


def was_begun(path: Path) -> bool:
    """Whether this process has begun the file, in mode ``once`` where there was nothing."""
    return os.path.realpath(path) in _begun


def _forget_all() -> None:
    """In a forked child: the recorders are the parent's, and so is the lock that was held at that moment.

    The child's copies of the files are closed; the parent's lock would outlive the parent in them.
    """
    global _registry_lock
    for recorder in _registry.values():
        recorder.let_go()
    _registry.clear()
    _begun.clear()
    _registry_lock = Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


class Recorder:
    """One file being recorded.

    Attributes:
        tape: all that is on the tape, what was loaded and what was recorded.
        loaded: what was on it before; nothing when it is recorded afresh.
        users: how many sessions hold it.
        notes: what happened to the file meanwhile, for people.
    """

    def __init__(self, path: Path, real: str, *, afresh: bool) -> None:
        self.path = path
        self.users = 0
        self.afresh = afresh
        self._real = real
        self._pid = os.getpid()
        self._lock = Lock()
        self._new_folders: list[Path] = []
        self.notes: list[str] = []
        look("record on", path)
        self._made = not os.path.lexists(real)
        self._descriptor = self._open()
        try:
            self.tape = Tape(path=path) if afresh else self._load()
            if self.tape.interactions and not self.tape.appendable:
                raise TapeModeError(
                    f"the tape {path} is laid out so that nothing can be added at its end; "
                    "make one that can: Tape(Tape.load(path).interactions).save(path)"
                )
        except BaseException:
            self._release()
            raise
        self.loaded = tuple(self.tape.interactions)
        self._layout = self.tape.layout if self.loaded else NEW
        #: The byte after the last whole item (0 when even the head is to be written), and how many items stand
        #: before it. One value, so that an interrupt between two statements cannot part them.
        self._written = (self.tape.whole_size, len(self.loaded)) if self.loaded else (0, 0)
        #: Whether the file may hold bytes beyond that.
        self._trail = True
        #: Whether the last write failed, or was interrupted.
        self._failed = False

    def append(self, make: Callable[[int], Interaction]) -> Interaction:
        """Write one interaction at the end; ``make`` is called with its id, which follows the last.

        Raises:
            TapeError: it could not be written. It is on ``tape`` all the same, and is written with the next.
        """
        if os.getpid() != self._pid:
            raise TapeLockedError(
                f"the tape {self.path} is recorded by process {self._pid}, from which this one was forked: "
                "open a tape of its own here"
            )
        with self._lock:
            recorded = self.tape.interactions
            interaction = make(recorded[-1].id + 1 if recorded else 0)
            self.tape.append(interaction)
            try:
                self._flush()
            except BaseException:
                self._failed = True
                raise
            self._failed = False
            return interaction

    def begin(self) -> None:
        """Remember that this process has begun the file."""
        _begun.add(self._real)

    def knows(self, tape: Tape) -> bool:
        """Whether a tape in memory has as many interactions as the file has now, or had when the recorder opened."""
        with self._lock:
            return len(tape.interactions) in (len(self.tape.interactions), len(self.loaded))

    @property
    def unwritten(self) -> tuple[Interaction, ...]:
        """What is on ``tape`` and could not be written yet. Once the file is closed it never will be."""
        return tuple(self.tape.interactions[self._written[1] :]) if self._failed else ()

    def close(self) -> None:
        """One session lets go; the last one closes the file."""
        if os.getpid() != self._pid:
            return
        with _registry_lock:
            self.users -= 1
            if self.users:
                return
            if _registry.get(self._real) is self:
                del _registry[self._real]
            with self._lock:
                if len(self.tape.interactions) > self._written[1]:
                    with suppress(TapeError):  # said already, when the interaction was recorded
                        self._flush()
                        self._failed = False
                self._release()

    def let_go(self) -> None:
        """Close a forked child's copy of the file; the parent's stays open and locked."""
        descriptor, self._descriptor = self._descriptor, -1
        with suppress(OSError):
            os.close(descriptor)

    def _flush(self) -> None:
        if not self._is_as_left():
            self._restore()
            return
        end, count = self._written
        waiting = self.tape.interactions[count:]
        data = b"".join([encode_interaction(item, self._layout) for item in waiting])
        if not end:
            data = HEAD + data
        try:
            if self._trail:
                os.ftruncate(self._descriptor, end)
            self._trail = True
            _write_at(self._descriptor, data, end)
        except OSError as error:
            self._cut()
            reason = error.strerror or str(error)
            raise TapeError(
                f"cannot write to the tape {self.path}: {reason}. What it held is whole, and what was just recorded "
                "is in memory: make room and go on, or keep it elsewhere with tape.save(path)"
            ) from error
        self._written = (end + len(data), count + len(waiting))
        self._trail = False

    def _is_as_left(self) -> bool:
        """Whether the file is still at its path, and holds as much as was written."""
        try:
            size = os.fstat(self._descriptor).st_size
            end = self._written[0]
            return (size == end or (self._trail and size > end)) and self._is_current(self._descriptor)
        except OSError as error:
            raise TapeError(describe_file_error("write to", self.path, error)) from error

    def _restore(self) -> None:
        """Write all that is in memory to the path, where nothing stands now or a beginning of it.

        Raises:
            TapeError: something else stands there.
        """
        keep = "nothing is lost: keep what is in memory with tape.save(path), under another name"
        here = self._is_current(self._descriptor)
        what = "changed" if here else "replaced" if os.path.lexists(self._real) else "taken away"
        descriptor = self._descriptor if here else self._open()
        whole = self.tape.dumps()
        try:
            found = _read_all(descriptor)
            if not whole.startswith(found):
                raise TapeError(
                    f"the tape {self.path} was {what} by somebody else while it was recorded: the file {self._real} "
                    f"holds {len(found)} other bytes now, and they are not written over; {keep}"
                )
            _write_at(descriptor, whole[len(found) :], len(found))
        except BaseException as error:
            if not here:
                os.close(descriptor)
            if isinstance(error, OSError):
                reason = error.strerror or str(error)
                raise TapeError(
                    f"cannot write the tape {self.path} again, which was {what}: {reason}; {keep}"
                ) from error
            raise
        if not here:
            old, self._descriptor = self._descriptor, descriptor
            os.close(old)
        self._written = (len(whole), len(self.tape.interactions))
        self._trail = False
        self.notes.append(
            f"the tape {self.path} was {what} by somebody else while it was recorded; "
            f"its {len(self.tape.interactions)} interactions were written again"
        )

    def _cut(self) -> None:
        """Take away what a failed write left; when that fails too, the next write does it."""
        try:
            os.ftruncate(self._descriptor, self._written[0])
        except OSError:
            return
        self._trail = False

    def _load(self) -> Tape:
        return Tape.loads(_read_all(self._descriptor), self.path)

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | NO_WAIT
        try:
            self._make_folders()
            while True:
                descriptor = os.open(self._real, flags, 0o644)
                try:
                    check_kind("record on", self.path, os.fstat(descriptor))
                except TapeError:
                    os.close(descriptor)
                    raise
                if not lock(descriptor):
                    pid = holder(descriptor)
                    os.close(descriptor)
                    who = f"process {pid}" if pid else "another process"
                    raise TapeLockedError(
                        f"{who} records on the tape {self.path}: wait for it, or use a tape of its own"
                    )
                if self._is_current(descriptor):
                    return descriptor
                os.close(descriptor)  # it was taken away or replaced between our opening and our locking it
        except OSError as error:
            self._remove_folders()
            raise TapeError(describe_file_error("record on", self.path, error)) from error
        except BaseException:
            self._remove_folders()
            raise

    def _is_current(self, descriptor: int) -> bool:
        try:
            there, here = os.stat(self._real), os.fstat(descriptor)
        except FileNotFoundError:
            return False
        return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)

    def _make_folders(self) -> None:
        folder = Path(self._real).parent
        missing = []
        while not folder.exists():
            missing.append(folder)
            folder = folder.parent
        for folder in reversed(missing):
            folder.mkdir(exist_ok=True)
            self._new_folders.append(folder)

    def _remove_folders(self) -> None:
        for folder in reversed(self._new_folders):
            try:
                folder.rmdir()
            except OSError:
                return

    def _release(self) -> None:
        """Close the file; take it away when it is new and empty, while the lock keeps all others from it."""
        try:
            if self._made and os.fstat(self._descriptor).st_size == 0 and self._is_current(self._descriptor):
                if os.name == "nt":
                    os.close(self._descriptor)
                    os.unlink(self._real)
                    return
                os.unlink(self._real)
                self._remove_folders()
        except OSError:
            pass
        unlock(self._descriptor)
        with suppress(OSError):
            os.close(self._descriptor)


def _read_all(descriptor: int) -> bytes:
    size = os.fstat(descriptor).st_size
    pieces = []
    os.lseek(descriptor, 0, os.SEEK_SET)
    while size > 0 and (piece := os.read(descriptor, size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _write_at(descriptor: int, data: bytes, offset: int) -> None:
    """One write; more only when the system took a part."""
    view = memoryview(data)
    while view:
        if hasattr(os, "pwrite"):
            count = os.pwrite(descriptor, view, offset)
        else:
            os.lseek(descriptor, offset, os.SEEK_SET)
            count = os.write(descriptor, view)
        view = view[count:]
        offset += count
