"""Work from many requests, done by a few threads: in turn, bounded, dropped when nobody waits.

A worker takes a few tasks at once, one from each request in turn, so that a single image never
waits behind two thousand. Nothing polls: workers sleep on a condition, requests on an event of
their loop.
"""

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Generic, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

# The weight of the newest batch in the running mean of the time a task takes.
SMOOTHING = 0.1
MOST_SECONDS = 120


class FullError(Exception):
    """Too many tasks are waiting already."""


class StoppedError(Exception):
    """No work is taken any more."""


class Job(Generic[Task, Result]):
    """The tasks of one request. Made by `Batcher.submit`."""

    def __init__(self, batcher: "Batcher[Task, Result]", tasks: Sequence[Task]) -> None:
        self.tasks = tasks
        self.taken = 0
        self.cancelled = False
        self._batcher = batcher
        self._loop = asyncio.get_running_loop()
        self._done: dict[int, Result] = {}
        self._error: BaseException | None = None
        self._news = asyncio.Event()

    async def results(self) -> AsyncIterator[list[Result]]:
        """The results in the order of the tasks, as many at a time as are ready.

        Raises:
            Exception: what the work raised.
        """
        given = 0
        while given < len(self.tasks):
            await self._news.wait()
            self._news.clear()
            if self._error is not None:
                raise self._error
            ready = []
            while given in self._done:
                ready.append(self._done.pop(given))
                given += 1
            if ready:
                yield ready

    def cancel(self) -> None:
        """Drop what no worker has taken yet."""
        self._batcher.drop(self)

    def deliver(self, results: Sequence[tuple[int, Result]], error: BaseException | None) -> None:
        """Hand results over, from a worker's thread."""
        try:
            self._loop.call_soon_threadsafe(self._arrived, results, error)
        except RuntimeError:  # the loop has ended, and nobody waits
            return

    def _arrived(self, results: Sequence[tuple[int, Result]], error: BaseException | None) -> None:
        self._done.update(results)
        self._error = self._error or error
        self._news.set()


class Batcher(Generic[Task, Result]):
    """A bounded queue of jobs and the threads that work on it."""

    def __init__(
        self,
        work: Callable[[Sequence[Task]], Sequence[Result]],
        *,
        workers: int,
        batch_size: int,
        capacity: int,
    ) -> None:
        """Set up; `start` starts the threads.

        Args:
            work: gives a result for each task, in their order; called by several threads.
            workers: threads.
            batch_size: tasks given to `work` at once, at most.
            capacity: tasks that may wait. One job alone may have more.
        """
        self._work = work
        self._batch_size = batch_size
        self._capacity = capacity
        self._workers = workers
        self._condition = threading.Condition()
        self._turns: deque[Job[Task, Result]] = deque()
        self._threads: list[threading.Thread] = []
        self._stopped = False
        self._idle = workers
        self._seconds = 0.005  # a first guess of the time a task takes
        self.waiting = 0

    def start(self) -> None:
        """Start the workers."""
        for number in range(self._workers):
            thread = threading.Thread(
                target=self._run, name=f"leukoscope-worker-{number}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def check(self, tasks: int = 1) -> None:
        """Whether that many tasks would be taken now.

        Raises:
            FullError: too many wait already.
            StoppedError: after `stop`.
        """
        if self._stopped:
            raise StoppedError
        if self.waiting and self.waiting + tasks > self._capacity:
            raise FullError

    def submit(self, tasks: Sequence[Task]) -> Job[Task, Result]:
        """Queue the tasks of one request. Called on the event loop.

        Raises:
            FullError: too many wait already.
            StoppedError: after `stop`.
        """
        job = Job(self, tasks)
        with self._condition:
            self.check(len(tasks))
            if tasks:
                self.waiting += len(tasks)
                self._turns.append(job)
                self._condition.notify(min(len(tasks), self._workers))
        return job

    def drop(self, job: Job[Task, Result]) -> None:
        """Forget the tasks of `job` that no worker has taken."""
        with self._condition:
            if job.cancelled or job.taken == len(job.tasks):
                return
            job.cancelled = True
            self.waiting -= len(job.tasks) - job.taken
            self._turns.remove(job)

    def retry_after(self) -> int:
        """Whole seconds until what waits now will be done, at the speed of the last batches."""
        seconds = self.waiting * self._seconds / self._workers
        return min(MOST_SECONDS, max(1, math.ceil(seconds)))

    def stop(self, seconds: float = 0.0) -> None:
        """Take no more work, finish what is queued within `seconds`, then end the workers."""
        deadline = time.monotonic() + seconds
        with self._condition:
            self._stopped = True
            self._condition.notify_all()
            self._condition.wait_for(lambda: not self.waiting, seconds)
            for job in list(self._turns):
                self.waiting -= len(job.tasks) - job.taken
                job.cancelled = True
                job.deliver([], StoppedError())
            self._turns.clear()
            self._condition.notify_all()
        for thread in self._threads:
            thread.join(max(1.0, deadline - time.monotonic()))

    def _run(self) -> None:
        while batch := self._take():
            started = time.perf_counter()
            try:
                results = self._work([job.tasks[number] for job, number in batch])
                error = None
            except Exception as raised:  # belongs to the requests, and the worker goes on
                results, error = [], raised
            self._measure(time.perf_counter() - started, len(batch))
            _deliver(batch, results, error)
            with self._condition:
                self._idle += 1

    def _take(self) -> list[tuple[Job[Task, Result], int]]:
        """The next tasks, one of each job in turn; none when all is done and `stop` was called."""
        with self._condition:
            while not self.waiting:
                if self._stopped:
                    return []
                self._condition.wait()
            # A few images are shared out, so that no core looks on.
            size = min(self._batch_size, math.ceil(self.waiting / self._idle))
            self._idle -= 1
            batch = []
            for _ in range(size):
                job = self._turns.popleft()
                batch.append((job, job.taken))
                job.taken += 1
                if job.taken < len(job.tasks):
                    self._turns.append(job)
            self.waiting -= size
            if not self.waiting:
                self._condition.notify_all()
            return batch

    def _measure(self, seconds: float, tasks: int) -> None:
        self._seconds += SMOOTHING * (seconds / tasks - self._seconds)


def _deliver(
    batch: Sequence[tuple[Job[Task, Result], int]],
    results: Sequence[Result],
    error: BaseException | None,
) -> None:
    """Give each job its results in one go."""
    shares: dict[Job[Task, Result], list[tuple[int, Result]]] = {job: [] for job, _ in batch}
    for (job, number), result in zip(batch, results, strict=False):
        shares[job].append((number, result))
    for job, share in shares.items():
        job.deliver(share, error)
