"""Predict parts on the workers of a Ray cluster, by way of Ray Data.

Ray restarts a worker that dies and gives its part to it again; `bulk.plan` says why a part that is
predicted twice is still one file.
"""

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from leukoscope.core.errors import FileError, LeukoscopeError
from leukoscope.core.ray_cluster import worker_error
from leukoscope.inference.bulk.attempts import Attempt, Attempts
from leukoscope.inference.bulk.plan import Job, Part
from leukoscope.inference.bulk.storage import open_storage
from leukoscope.inference.bulk.worker import Finished, PartWorker

MOST_CORES = 8  # of a worker by default
MOST_TASKS = 2000  # of Ray; each takes some parts, one after another


@dataclass(frozen=True)
class Workers:
    """The workers of a job.

    Attributes:
        number: Of workers; None for as many as the cluster has room for.
        cores: Of each worker, its threads; None for the cores of the smallest machine, at most 8.
    """

    number: int | None = None
    cores: int | None = None


def finish_parts(
    parts: Sequence[Part], model: bytes, job: Job, out: str, workers: Workers
) -> Iterator[Finished]:
    """Finish all parts on a connected cluster, in order.

    Args:
        parts: The parts of the job.
        model: The content of the model file, which the workers get from here.
        job: The job.
        out: Folder that all machines see, or URL.
        workers: Number and size of the workers.

    Raises:
        LeukoscopeError: A worker cannot write, or the network fails to run.
    """
    import ray
    from ray.data import ActorPoolStrategy, DataContext, from_items
    from ray.exceptions import RayError

    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True  # sums over the rows are those of one machine
    size = _sized(workers)
    counter = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=3)(Attempts).remote()
    rows = [{"part": pickle.dumps(part)} for part in parts]
    work = from_items(rows, override_num_blocks=min(len(rows), MOST_TASKS)).map_batches(
        _RayWorker,
        fn_constructor_args=(model, job, out, counter, size.cores),
        batch_size=1,
        num_cpus=size.cores,
        compute=ActorPoolStrategy(size=min(size.number or 1, len(rows))),
    )
    try:
        for row in work.iter_rows():
            yield pickle.loads(row["finished"])
    except RayError as error:
        raise _own_error(error, out) from error


class _RayWorker:
    """A worker in a process that Ray started."""

    def __init__(self, model: bytes, job: Job, out: str, counter: Any, threads: int) -> None:
        storage = open_storage(out)
        self._worker = PartWorker(model, job, storage, _Remote(counter), threads)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[bytes]]:
        """Finish the parts of a batch."""
        parts = [pickle.loads(part) for part in batch["part"]]
        return {"finished": [pickle.dumps(self._worker.finish(part)) for part in parts]}


class _Remote:
    """The attempts, which an actor counts."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    def begin(self, part: int) -> Attempt:
        return self._get(self._actor.begin.remote(part))

    def at(self, part: int, image: int) -> None:
        self._get(self._actor.at.remote(part, image))

    def end(self, part: int) -> int:
        return self._get(self._actor.end.remote(part))

    @staticmethod
    def _get(answer: Any) -> Any:
        import ray

        return ray.get(answer)


def _sized(workers: Workers) -> Workers:
    """Fill in what the cluster has room for now."""
    import ray

    nodes: list[Any] = ray.nodes()  # type: ignore[no-untyped-call, unused-ignore]
    machines = [int(n["Resources"].get("CPU", 0)) for n in nodes if n["Alive"]]
    machines = [cores for cores in machines if cores] or [1]
    cores = workers.cores or min(*machines, MOST_CORES)
    room = sum(machine // cores for machine in machines)
    if not room and workers.number is None:
        raise LeukoscopeError(
            f"no machine of the cluster has {cores} cores; choose fewer with --worker-cores."
        )
    return Workers(workers.number or room, cores)


def _own_error(error: BaseException, out: str) -> LeukoscopeError:
    found = worker_error(error)
    if isinstance(found, LeukoscopeError):
        return found
    return FileError(
        f"{out}: the cluster stopped ({found}); the same command resumes from the finished parts."
    )
