"""How much of the requests' content is in memory, and the refusal of what would be too much."""

from collections.abc import Callable

from leukoscope.app.http.problems import RequestError

# What an answer may weigh while it waits for its reader: a crop as JPEG, a heatmap, some text.
ANSWER_BYTES = 32_768


class MemoryBudget:
    """Counts the bytes held for all requests together. Used on the event loop only."""

    def __init__(self, capacity: int, retry_after: Callable[[], int]) -> None:
        """Start empty.

        Args:
            capacity: bytes held at most; a request that would hold more alone is still admitted
                when nothing else is held, for its own limits bound it.
            retry_after: seconds after which there may be room again.
        """
        self.capacity = capacity
        self.held = 0
        self.retry_after = retry_after

    def hold(self) -> "Reservation":
        """An empty hold, to be closed when the request ends."""
        return Reservation(self)


class Reservation:
    """The bytes one request holds."""

    def __init__(self, ledger: MemoryBudget) -> None:
        self._ledger = ledger
        self.bytes = 0

    def grow(self, amount: int) -> None:
        """Reservation `amount` more bytes.

        Raises:
            RequestError: 429 if that is too much beside what others hold.
        """
        ledger = self._ledger
        others = ledger.held - self.bytes
        if others and ledger.held + amount > ledger.capacity:
            raise busy(ledger.retry_after())
        self.bytes += amount
        ledger.held += amount

    def close(self) -> None:
        """Give everything back."""
        self._ledger.held -= self.bytes
        self.bytes = 0


def busy(seconds: int) -> RequestError:
    """The refusal of a request there is no room for now."""
    return RequestError(
        429,
        f"too much is waiting for an answer; try again in about {seconds} s",
        {"Retry-After": str(seconds)},
    )
