"""The Ray cluster that the commands with `--cluster` use."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from leukoscope.core.cores import usable_cores
from leukoscope.core.errors import LeukoscopeError, missing_extra


@contextmanager
def connected() -> Iterator[None]:
    """Use the available Ray cluster: that of this process, of RAY_ADDRESS, or one of this machine.

    Without one, a cluster is started on this machine for the block.

    Raises:
        MissingExtraError: Ray is not installed.
        LeukoscopeError: The cluster cannot be reached.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would report it over the network
    try:
        import ray
        import ray.data
    except ModuleNotFoundError as error:
        raise missing_extra("--cluster", error) from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    if ray.is_initialized():
        yield
        return
    quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    try:
        if "RAY_ADDRESS" in os.environ:
            ray.init(**quiet)
        else:
            _start_here(quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise LeukoscopeError(f"no Ray cluster can be used ({error}).") from error
    try:
        yield
    finally:
        ray.shutdown()


def _start_here(quiet: dict[str, Any]) -> None:
    import ray

    with suppress(ConnectionError):
        ray.init(address="auto", **quiet)
        return
    with on_loopback():
        ray.init(
            address="local",
            num_cpus=usable_cores(),
            include_dashboard=False,
            _node_ip_address="127.0.0.1",
            **quiet,
        )


@contextmanager
def on_loopback() -> Iterator[None]:
    """Let Ray listen on 127.0.0.1 where that is its address.

    It would take the address of the network card instead and listen on all of them, and anyone who
    reaches it may run programs.
    """
    from ray._private import services

    before = getattr(services, "resolve_ip_for_localhost", None)
    services.resolve_ip_for_localhost = lambda host: host
    try:
        yield
    finally:
        if before is not None:
            services.resolve_ip_for_localhost = before


def worker_error(error: BaseException) -> LeukoscopeError | str:
    """The error of a worker that a user can correct, or the last line of what Ray says."""
    cause: BaseException | None = error
    while cause is not None:
        inner = getattr(cause, "cause", None)
        for found in (cause, inner):
            if isinstance(found, LeukoscopeError):
                return type(found)(str(inner if isinstance(inner, LeukoscopeError) else found))
        cause = inner if isinstance(inner, BaseException) else cause.__cause__
    last = (str(error).strip().splitlines() or [type(error).__name__])[-1]
    return last[:300]
