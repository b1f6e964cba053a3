"""Name the extra to install where a function needs more than the core installation."""

from collections.abc import Iterator
from contextlib import contextmanager

from leukoscope.core.errors import missing_extra


@contextmanager
def needs_train_extra(command: str) -> Iterator[None]:
    """Turn a failed import in the block into an error that names the extra to install.

    Args:
        command: The command that needs it, for the message.

    Raises:
        MissingExtraError: A package of an extra is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        problem = missing_extra(command, error)
        if problem is error:
            raise
        raise problem from error
