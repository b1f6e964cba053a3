"""Several workers on this machine, each in a process of its own.

Optuna's own `n_jobs` are threads, and trainings need processes: PyTorch has one random state for
all threads, and the draws of a trial would depend on the others.
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from multiprocessing import get_context

from leukoscope.core.console_log import is_shown, log_to_stderr, shown_level
from leukoscope.core.errors import LeukoscopeError
from leukoscope.core.interrupts import repeated_when_dropped
from leukoscope.training.tuning.study import Plan

log = logging.getLogger(__name__)

PATIENCE = 5.0  # seconds in which a worker ends that has heard Ctrl-C itself, in a terminal


def run_workers(plan: Plan, workers: int) -> None:
    """Start workers, and wait until the study is complete.

    Args:
        plan: The study.
        workers: The number of processes.
    """
    context = get_context("spawn")
    threads = max(1, (os.cpu_count() or 1) // workers)
    own = replace(plan, jobs=max(1, plan.jobs // workers))
    level = shown_level() if is_shown() else None
    processes = [
        context.Process(target=_run_worker, args=(own, threads, level)) for _ in range(workers)
    ]
    try:
        with _ignored_ctrl_c():  # a process that hears it before its first line prints a traceback
            for process in processes:
                process.start()
        for process in processes:
            process.join()
    except BaseException:
        for process in processes:  # they requeue their trials
            if process.pid is None:
                continue
            process.join(PATIENCE)
            if process.is_alive():
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGINT)
                process.join(PATIENCE)
        raise


@contextmanager
def _ignored_ctrl_c() -> Iterator[None]:
    """Ignore Ctrl-C in the block, which processes started within it inherit."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's business
        return
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


def _run_worker(plan: Plan, threads: int, level: int | None) -> None:
    """One worker, with its part of the cores."""
    # Before PyTorch and the estimators are loaded, which read it once.
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    from leukoscope.training.tuning.display import study_display
    from leukoscope.training.tuning.storage import failures_named
    from leukoscope.training.tuning.study import open_study
    from leukoscope.training.tuning.worker import work

    signal.signal(signal.SIGINT, signal.default_int_handler)
    with nullcontext() if level is None else log_to_stderr(level):
        try:
            with (
                repeated_when_dropped(),
                failures_named(plan.place),
                study_display(plan.trials, bar=False) as display,
            ):
                work(plan, open_study(plan), display)
        except KeyboardInterrupt:
            sys.exit(130)
        except LeukoscopeError as error:
            log.error("leukoscope: %s", " ".join(str(error).split()))
            sys.exit(error.exit_code)
