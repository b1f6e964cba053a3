"""Work from many requests: in order, in turn, bounded, dropped, drained."""

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest

from leukoscope.app.predicting.batcher import Batcher, FullError, Job, StoppedError
from tests.app.live import PATIENCE


class Doubler:
    """Doubles numbers; holds its first batch until `gate` opens, and notes every batch."""

    def __init__(self, *, held: bool = False) -> None:
        self.batches: list[list[int]] = []
        self.begun = threading.Event()
        self.gate = threading.Event()
        if not held:
            self.gate.set()

    def __call__(self, tasks: Sequence[int]) -> list[int]:
        self.batches.append(list(tasks))
        self.begun.set()
        assert self.gate.wait(PATIENCE)
        return [2 * task for task in tasks]


def batcher(work: Any, **options: int) -> Batcher[int, int]:
    made = Batcher(work, **{"workers": 1, "batch_size": 4, "capacity": 100, **options})
    made.start()
    return made


async def gather(job: Job[int, int]) -> list[int]:
    return [result async for ready in job.results() for result in ready]


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(coroutine, PATIENCE))


def test_results_come_in_the_order_of_the_tasks_from_many_workers():
    async def go() -> list[int]:
        return await gather(queue.submit(range(500)))

    queue = batcher(Doubler(), workers=4, batch_size=3, capacity=1000)
    assert run(go()) == [2 * number for number in range(500)]
    assert queue.waiting == 0
    queue.stop()


def test_no_tasks_no_results():
    async def go() -> list[int]:
        return await gather(queue.submit([]))

    queue = batcher(Doubler())
    assert run(go()) == []
    queue.stop()


def test_a_batch_is_never_larger_than_asked():
    async def go() -> None:
        await gather(queue.submit(range(50)))

    work = Doubler()
    queue = batcher(work, batch_size=8)
    run(go())
    assert max(map(len, work.batches)) <= 8
    queue.stop()


def test_a_single_image_does_not_wait_behind_many():
    work = Doubler(held=True)
    queue = batcher(work, batch_size=4)

    async def go() -> None:
        first = queue.submit([-1])
        await asyncio.to_thread(work.begun.wait, PATIENCE)
        large = queue.submit(range(60))
        small = queue.submit([1000])
        work.gate.set()
        await asyncio.gather(gather(first), gather(large), gather(small))

    run(go())
    assert 1000 in work.batches[1]
    queue.stop()


def test_requests_share_the_workers_in_turn():
    work = Doubler(held=True)
    queue = batcher(work, batch_size=3)

    async def go() -> None:
        jobs = [queue.submit([-1])]
        await asyncio.to_thread(work.begun.wait, PATIENCE)
        jobs += [queue.submit(range(start, start + 10)) for start in (100, 200, 300)]
        work.gate.set()
        await asyncio.gather(*map(gather, jobs))

    run(go())
    assert work.batches[1:] == [[100 + n, 200 + n, 300 + n] for n in range(10)]
    queue.stop()


def test_few_tasks_are_shared_among_idle_workers():
    work = Doubler(held=True)
    queue = batcher(work, workers=2, batch_size=8)

    async def go() -> None:
        job = queue.submit(range(6))
        while sum(map(len, work.batches)) < 6:
            await asyncio.sleep(0.001)
        work.gate.set()
        await gather(job)

    run(go())
    assert sorted(map(len, work.batches)) == [3, 3]
    queue.stop()


def test_what_is_too_much_is_refused_and_what_waits_is_done():
    work = Doubler(held=True)
    queue = batcher(work, capacity=10)

    async def go() -> list[int]:
        first = queue.submit([-1])
        await asyncio.to_thread(work.begun.wait, PATIENCE)
        waiting = queue.submit(range(8))
        with pytest.raises(FullError):
            queue.submit(range(3))
        with pytest.raises(FullError):
            queue.check(3)
        queue.check(2)
        assert queue.waiting == 8
        work.gate.set()
        await gather(first)
        return await gather(waiting)

    assert run(go()) == [2 * number for number in range(8)]
    queue.stop()


def test_one_request_alone_may_be_larger_than_the_queue():
    async def go() -> list[int]:
        return await gather(queue.submit(range(30)))

    queue = batcher(Doubler(), capacity=10)
    assert len(run(go())) == 30
    queue.stop()


def test_what_nobody_waits_for_is_dropped():
    work = Doubler(held=True)
    queue = batcher(work, batch_size=2)

    async def go() -> list[int]:
        first = queue.submit([-1])
        await asyncio.to_thread(work.begun.wait, PATIENCE)
        left, kept = queue.submit(range(50)), queue.submit([7])
        left.cancel()
        left.cancel()
        assert queue.waiting == 1
        work.gate.set()
        await gather(first)
        return await gather(kept)

    assert run(go()) == [14]
    assert [number for batch in work.batches for number in batch] == [-1, 7]
    queue.stop()


def test_cancelling_what_is_done_changes_nothing():
    async def go() -> None:
        job = queue.submit([1, 2])
        await gather(job)
        job.cancel()
        assert queue.waiting == 0

    queue = batcher(Doubler())
    run(go())
    queue.stop()


def test_a_failure_reaches_its_request_and_the_worker_goes_on():
    def work(tasks: Sequence[int]) -> list[int]:
        if 13 in tasks:
            raise ValueError("thirteen")
        return list(tasks)

    async def go() -> list[int]:
        with pytest.raises(ValueError, match="thirteen"):
            await gather(queue.submit([13]))
        return await gather(queue.submit([1, 2]))

    queue = batcher(work)
    assert run(go()) == [1, 2]
    queue.stop()


def test_stopping_finishes_what_is_queued_and_takes_no_more():
    work = Doubler(held=True)
    queue = batcher(work)

    async def go() -> list[int]:
        job = queue.submit(range(20))
        await asyncio.to_thread(work.begun.wait, PATIENCE)
        stopping = asyncio.create_task(asyncio.to_thread(queue.stop, PATIENCE))
        while True:
            try:
                queue.check()
            except StoppedError:
                break
            await asyncio.sleep(0.001)
        with pytest.raises(StoppedError):
            queue.submit([1])
        work.gate.set()
        await stopping
        return await gather(job)

    assert run(go()) == [2 * number for number in range(20)]
    assert not any(thread.is_alive() for thread in queue._threads)


def test_a_stop_without_patience_tells_who_waits():
    work = Doubler(held=True)
    queue = batcher(work)

    async def go() -> None:
        job = queue.submit(range(20))
        await asyncio.to_thread(work.begun.wait, PATIENCE)
        stopping = asyncio.create_task(asyncio.to_thread(queue.stop, 0))
        with pytest.raises(StoppedError):
            await gather(job)
        work.gate.set()
        await stopping

    run(go())
    assert len(work.batches) == 1


def test_the_time_to_wait_follows_the_queue_and_the_speed():
    work = Doubler(held=True)
    queue = batcher(work, workers=2, batch_size=1, capacity=100_000)
    assert queue.retry_after() == 1

    async def go() -> None:
        job = queue.submit(range(4_002))
        while len(work.batches) < 2:
            await asyncio.sleep(0.001)
        queue._seconds = 0.01
        assert queue.retry_after() == 20  # 4,000 waiting, two at a time, 10 ms each
        queue._seconds = 10
        assert queue.retry_after() == 120
        job.cancel()
        work.gate.set()

    run(go())
    queue.stop()
