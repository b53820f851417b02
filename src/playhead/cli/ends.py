"""How a command ends that cannot do its work: what was asked cannot be done as given, or a signal asks it to stop.

Both are raised wherever that shows, and told in one place, :mod:`playhead.cli.main`. The exit status is 0 where all
went well; 1 where it failed (a run's error, a request that is not equal); 2 where what was asked cannot be done as
given (bad arguments, no such file, not a tape, an unknown provider, no key); 3 where the run waits for a person; 130
where it was interrupted; 141 where the reader of the output went away; 143 where it was terminated.
"""

from __future__ import annotations

FAILED, USAGE, INTERRUPTED, READER_GONE = 1, 2, 130, 141

#: How the threads are named that tools run in: one that is still there when a command has failed is not waited for.
TOOL_THREAD = "playhead-tool"


class UsageError(Exception):
    """What was asked on the command line cannot be done as given."""


class Terminated(BaseException):
    """A signal asked the process to end. What was open has been closed by the time that this is raised."""

    def __init__(self, number: int) -> None:
        self.number = number
