"""A bounded queue that a few threads work on, fair between requests.

A worker takes a batch of tasks, one from each request in turn (round robin), so that a single image
never waits behind two thousand. The tasks of a cancelled request are dropped. Nothing polls:
workers sleep on a condition, requests on an event of their loop.
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

# Weight of the newest batch in the running mean of the time per task.
SMOOTHING = 0.1
MAX_RETRY_SECONDS = 120


class FullError(Exception):
    """Too many tasks are waiting."""


class StoppedError(Exception):
    """The batcher is stopped and takes no more work."""


class Job(Generic[Task, Result]):
    """The tasks of one request. Created by `Batcher.submit`."""

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
        """Yield the results in the order of the tasks, as many at a time as are ready.

        Raises:
            Exception: The error that the work raised.
        """
        count = 0
        while count < len(self.tasks):
            await self._news.wait()
            self._news.clear()
            if self._error is not None:
                raise self._error
            ready = []
            while count in self._done:
                ready.append(self._done.pop(count))
                count += 1
            if ready:
                yield ready

    def cancel(self) -> None:
        """Drop the tasks that no worker has taken yet."""
        self._batcher.drop(self)

    def deliver(self, results: Sequence[tuple[int, Result]], error: BaseException | None) -> None:
        """Deliver results from the thread of a worker."""
        try:
            self._loop.call_soon_threadsafe(self._arrived, results, error)
        except RuntimeError:  # the loop has ended, so nobody waits
            return

    def _arrived(self, results: Sequence[tuple[int, Result]], error: BaseException | None) -> None:
        self._done.update(results)
        self._error = self._error or error
        self._news.set()


class Batcher(Generic[Task, Result]):
    """A bounded queue of jobs and its worker threads."""

    def __init__(
        self,
        work: Callable[[Sequence[Task]], Sequence[Result]],
        *,
        workers: int,
        batch_size: int,
        capacity: int,
    ) -> None:
        """Create the queue; `start` starts the threads.

        Args:
            work: Function that returns a result for each task, in order; called by several threads.
            workers: Number of threads.
            batch_size: Maximum number of tasks in one call of `work`.
            capacity: Maximum number of waiting tasks. A single job may have more.
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
        self._seconds = 0.005  # first estimate of the time per task
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
        """Check whether that many tasks can be queued now.

        Raises:
            FullError: Too many tasks are waiting.
            StoppedError: `stop` was called.
        """
        if self._stopped:
            raise StoppedError
        if self.waiting and self.waiting + tasks > self._capacity:
            raise FullError

    def submit(self, tasks: Sequence[Task]) -> Job[Task, Result]:
        """Queue the tasks of one request. Called on the event loop.

        Raises:
            FullError: Too many tasks are waiting.
            StoppedError: `stop` was called.
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
        """Remove the tasks of `job` that no worker has taken."""
        with self._condition:
            if job.cancelled or job.taken == len(job.tasks):
                return
            job.cancelled = True
            self.waiting -= len(job.tasks) - job.taken
            self._turns.remove(job)

    def retry_after(self) -> int:
        """Estimated time in whole seconds until the waiting tasks are done."""
        seconds = self.waiting * self._seconds / self._workers
        return min(MAX_RETRY_SECONDS, max(1, math.ceil(seconds)))

    def stop(self, seconds: float = 0.0) -> None:
        """Take no more work, give queued tasks `seconds` to finish, then stop the workers."""
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
            except Exception as raised:  # reported to the requests; the worker continues
                results, error = [], raised
            self._update_mean(time.perf_counter() - started, len(batch))
            _deliver(batch, results, error)
            with self._condition:
                self._idle += 1

    def _take(self) -> list[tuple[Job[Task, Result], int]]:
        """Take the next tasks, one of each job in turn; none if stopped and empty."""
        with self._condition:
            while not self.waiting:
                if self._stopped:
                    return []
                self._condition.wait()
            # A few images are divided among the idle workers, so that no core is idle.
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

    def _update_mean(self, seconds: float, tasks: int) -> None:
        self._seconds += SMOOTHING * (seconds / tasks - self._seconds)


def _deliver(
    batch: Sequence[tuple[Job[Task, Result], int]],
    results: Sequence[Result],
    error: BaseException | None,
) -> None:
    """Deliver the results of a batch, one call per job."""
    by_job: dict[Job[Task, Result], list[tuple[int, Result]]] = {job: [] for job, _ in batch}
    for (job, number), result in zip(batch, results, strict=False):
        by_job[job].append((number, result))
    for job, job_results in by_job.items():
        job.deliver(job_results, error)
