"""One recording process a file: an exclusive lock that ends with the process, however it ends.

On POSIX it is ``flock``, which belongs to the open file; on Windows, a locked byte far beyond any file's end, so that
others can still read. A lock is refused at once, never waited for. On a file system that has no locks, recording goes
on without one.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

#: Where the locked byte stands on Windows.
_FAR = 1 << 62

if sys.platform == "win32":
    import msvcrt

    def lock(descriptor: int) -> bool:
        """Take the lock; False when another process holds it."""
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def unlock(descriptor: int) -> None:
        """Give the lock back."""
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        with suppress(OSError):
            msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import errno
    import fcntl

    def lock(descriptor: int) -> bool:
        """Take the lock; False when another process holds it."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EOPNOTSUPP):
                return True
            raise
        return True

    def unlock(descriptor: int) -> None:
        """Give the lock back, also for the children that were forked meanwhile: closing alone would wait for theirs."""
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def holder(descriptor: int) -> int | None:
    """The process that holds the lock, where the system tells (Linux does)."""
    try:
        inode = os.fstat(descriptor).st_ino
        with open("/proc/locks", encoding="ascii") as table:
            for line in table:
                words = line.split()
                if "FLOCK" in words and words[-3].rpartition(":")[2] == str(inode):
                    pid = int(words[-4])
                    return pid if pid > 0 else None
    except (OSError, ValueError, IndexError):
        pass
    return None
