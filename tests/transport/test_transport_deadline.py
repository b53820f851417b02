"""One time limit for many waits: each is as long as it may be, and whoever cancels is told apart."""

from __future__ import annotations

import asyncio

import pytest

from playhead.transport.deadline import Deadline


async def for_ever() -> None:
    await asyncio.Event().wait()


def test_what_is_here_in_time_is_handed_on() -> None:
    async def main() -> int:
        deadline = Deadline(asyncio.get_running_loop(), 60.0)
        return await deadline.within(asyncio.sleep(0, 7))

    assert asyncio.run(main()) == 7


def test_what_is_not_here_in_time_is_cancelled_and_the_task_goes_on() -> None:
    async def main() -> int:
        task = asyncio.current_task()
        assert task is not None
        deadline = Deadline(asyncio.get_running_loop(), 0.02)
        for _ in range(2):
            with pytest.raises(TimeoutError):
                await deadline.within(for_ever())
        assert await deadline.within(asyncio.sleep(0, 7)) == 7
        return task.cancelling()

    assert asyncio.run(main()) == 0


def test_each_of_many_waits_has_the_whole_limit() -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        deadline = Deadline(loop, 0.05)
        taken: list[float] = []

        async def wait(before: float) -> None:
            await asyncio.sleep(before)
            began = loop.time()
            with pytest.raises(TimeoutError):
                await deadline.within(for_ever())
            taken.append(loop.time() - began)

        await asyncio.gather(*(wait(number / 100) for number in range(4)))
        return taken

    assert len(taken := asyncio.run(main())) == 4
    assert all(seconds >= 0.049 for seconds in taken)


def test_a_task_that_somebody_else_cancels_ends_cancelled() -> None:
    async def main() -> None:
        deadline = Deadline(asyncio.get_running_loop(), 60.0)
        task = asyncio.ensure_future(deadline.within(for_ever()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        deadline.close()

    asyncio.run(main())


def test_a_task_that_is_late_and_cancelled_by_somebody_else_ends_cancelled() -> None:
    async def main() -> None:
        deadline = Deadline(asyncio.get_running_loop(), 0.0)

        async def cancelled_beside() -> None:
            task = asyncio.current_task()
            assert task is not None
            asyncio.get_running_loop().call_soon(task.cancel)
            await deadline.within(for_ever())

        task = asyncio.ensure_future(cancelled_beside())
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_an_error_of_what_is_waited_for_is_its_own() -> None:
    async def fails() -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    async def main() -> None:
        deadline = Deadline(asyncio.get_running_loop(), 60.0)
        with pytest.raises(ZeroDivisionError):
            await deadline.within(fails())

    asyncio.run(main())


def test_without_a_limit_nothing_is_watched() -> None:
    async def main() -> int:
        return await Deadline(asyncio.get_running_loop(), None).within(asyncio.sleep(0, 7))

    assert asyncio.run(main()) == 7
