"""One clear line where a verb needs more than the core installation."""

from collections.abc import Iterator
from contextlib import contextmanager

from leukoscope.core.errors import missing_extra


@contextmanager
def needs_train_extra(verb: str) -> Iterator[None]:
    """Turn a failed import inside the block into the pip command that mends it.

    Raises:
        MissingExtraError: A package of an extra is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        problem = missing_extra(verb, error)
        if problem is error:
            raise
        raise problem from error
