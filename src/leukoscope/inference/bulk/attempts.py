"""Count how often a worker died at a part, and find the image that kills it.

A part at which workers died twice is predicted image by image. An image at which a worker died
twice, that way, gets the verdict "error" and the reason; the rest of the part continues.
"""

from collections import defaultdict
from dataclasses import dataclass

DEATHS = 2


@dataclass(frozen=True)
class Attempt:
    """The facts that a worker needs before it begins a part.

    Attributes:
        earlier: Attempts at this part that a worker did not survive.
        fatal: Places in the part of images that are not to be read any more.
    """

    earlier: int = 0
    fatal: frozenset[int] = frozenset()

    @property
    def careful(self) -> bool:
        """True if images are to be predicted one by one, each announced before."""
        return self.earlier >= DEATHS


class Attempts:
    """Attempts at the parts of a job; on a cluster an actor that survives the workers."""

    def __init__(self) -> None:
        self._begun: dict[int, int] = defaultdict(int)
        self._at: dict[int, int] = {}
        self._deaths: dict[tuple[int, int], int] = defaultdict(int)

    def begin(self, part: int) -> Attempt:
        """Note that a worker begins a part; the worker that began it before has died."""
        image = self._at.pop(part, None)
        if image is not None:
            self._deaths[part, image] += 1
        earlier = self._begun[part]
        self._begun[part] += 1
        fatal = [
            place
            for (number, place), deaths in self._deaths.items()
            if number == part and deaths >= DEATHS
        ]
        return Attempt(earlier, frozenset(fatal))

    def at(self, part: int, image: int) -> None:
        """Note that a worker is about to predict one image of a part."""
        self._at[part] = image

    def end(self, part: int) -> int:
        """Note that a part is finished, and return how many workers died at it."""
        self._at.pop(part, None)
        return max(0, self._begun.pop(part, 1) - 1)
