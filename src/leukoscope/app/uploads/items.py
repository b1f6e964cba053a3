"""One image to answer for, or the reason why there is none."""

from dataclasses import dataclass
from typing import Protocol

from leukoscope.app.uploads.sniff import is_zip, kind_of
from leukoscope.core.errors import ImageError


class Item(Protocol):
    """One image to answer for."""

    @property
    def name(self) -> str:
        """What the client calls it, made safe to show."""

    def load(self) -> bytes:
        """The bytes of the file; ImageError where there are none to be had."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a request, or the reason why its bytes were not kept."""

    name: str
    data: bytes = b""
    problem: str = ""

    def load(self) -> bytes:
        """The file's bytes.

        Raises:
            ImageError: they were not kept.
        """
        if self.problem:
            raise ImageError(self.problem)
        return self.data

    @property
    def is_zip(self) -> bool:
        """Whether this is an archive to be opened."""
        return is_zip(self.data)


def received(name: str, data: bytes) -> Upload:
    """A file as it came; archives that are not opened are told by name."""
    kind = kind_of(data[:512])
    if kind and kind != "ZIP":
        return Upload(name, problem=f"{kind} archives are not opened; send a ZIP or the images.")
    return Upload(name, data)
