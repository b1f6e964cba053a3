"""A study from its plan to its files, by this process or by several on this machine."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.process import BaseProcess

from leukoscope.core.console_log import is_shown, log_to_stderr
from leukoscope.core.errors import LeukoscopeError
from leukoscope.core.interrupts import repeated_when_dropped
from leukoscope.training.tuning.study import Plan

log = logging.getLogger(__name__)

FAREWELL = 5.0  # seconds in which a worker that heard Ctrl-C itself has ended


def run_workers(plan: Plan, workers: int) -> None:
    """Start workers in processes of their own, and wait until the study is complete.

    Args:
        plan: Of the study.
        workers: How many.
    """
    context = get_context("spawn")
    threads = max(1, (os.cpu_count() or 1) // workers)
    own = replace(plan, jobs=max(1, plan.jobs // workers))
    processes = [
        context.Process(target=_serve, args=(own, threads, is_shown())) for _ in range(workers)
    ]
    try:
        with _deaf_to_ctrl_c():  # a process that hears it before its first line shows where it was
            for process in processes:
                process.start()
        for process in processes:
            process.join()
    except BaseException:
        _stop(processes)
        raise


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Ignore it meanwhile, which processes started meanwhile inherit."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's business
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _stop(processes: Sequence[BaseProcess]) -> None:
    """Let the workers put their trials back; in a terminal they have heard Ctrl-C themselves."""
    for process in processes:
        if process.pid is None:
            continue
        process.join(FAREWELL)
        if process.is_alive():
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGINT)
            process.join(FAREWELL)


def _serve(plan: Plan, threads: int, shown: bool) -> None:
    """One worker, with its share of the cores."""
    # Before PyTorch and the estimators are loaded, which look once.
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    from leukoscope.training.tuning.display import study_display
    from leukoscope.training.tuning.study import open_study
    from leukoscope.training.tuning.worker import work

    signal.signal(signal.SIGINT, signal.default_int_handler)
    with log_to_stderr() if shown else nullcontext():
        try:
            with repeated_when_dropped(), study_display(plan.trials, bar=False) as display:
                work(plan, open_study(plan), display)
        except KeyboardInterrupt:
            sys.exit(130)
        except LeukoscopeError as error:
            log.error("leukoscope: %s", " ".join(str(error).split()))
            sys.exit(error.exit_code)
