"""Limit the memory that request bodies and waiting predictions occupy together."""

from collections.abc import Callable

from leukoscope.app.http.problems import RequestError

# Typical size of a prediction waiting for its reader: a crop as JPEG, a heatmap, some text.
PREDICTION_BYTES = 32_768


class MemoryBudget:
    """The bytes in memory for all requests together. Used on the event loop only."""

    def __init__(self, capacity: int, retry_after: Callable[[], int]) -> None:
        """Create an empty budget.

        Args:
            capacity: Limit in bytes. While nothing is reserved, one request may exceed it, because
                the limits of a single request bound it.
            retry_after: Function that estimates when memory is free again, in seconds.
        """
        self.capacity = capacity
        self.held = 0
        self.retry_after = retry_after

    def reserve(self) -> "Reservation":
        """Create an empty reservation, to be closed when the request ends."""
        return Reservation(self)


class Reservation:
    """The memory of one request."""

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self.bytes = 0

    def grow(self, amount: int) -> None:
        """Reserve `amount` more bytes.

        Raises:
            RequestError: 429 if the budget is exceeded together with other requests.
        """
        budget = self._budget
        others = budget.held - self.bytes
        if others and budget.held + amount > budget.capacity:
            raise busy(budget.retry_after())
        self.bytes += amount
        budget.held += amount

    def close(self) -> None:
        """Release the memory."""
        self._budget.held -= self.bytes
        self.bytes = 0


def busy(seconds: int) -> RequestError:
    """The refusal of a request while the queue or the memory is full."""
    return RequestError(
        429,
        f"too many images are waiting; try again in about {seconds} s",
        {"Retry-After": str(seconds)},
    )
