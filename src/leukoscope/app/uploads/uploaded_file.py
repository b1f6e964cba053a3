"""An uploaded image, or the reason why it was refused."""

from dataclasses import dataclass
from typing import Protocol

from leukoscope.app.uploads.sniff import is_zip
from leukoscope.core.errors import ImageError
from leukoscope.data.imaging.other_files import (
    HEAD_BYTES,
    archive_kind,
    document_kind,
    why_not_read,
)


class UploadedImage(Protocol):
    """An image to predict: an uploaded file, or a member of an archive."""

    @property
    def name(self) -> str:
        """The name given by the client, cleaned for display."""

    def load(self) -> bytes:
        """The bytes of the file; raises ImageError if the file was refused or is damaged."""


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """One file of a request, or the reason why it was refused."""

    name: str
    data: bytes = b""
    problem: str = ""

    def load(self) -> bytes:
        """The bytes of the file.

        Raises:
            ImageError: The file was refused.
        """
        if self.problem:
            raise ImageError(self.problem)
        return self.data

    @property
    def is_zip(self) -> bool:
        """True for an archive to be opened."""
        return is_zip(self.data)


def accept_file(name: str, data: bytes) -> UploadedFile:
    """Take a file, or refuse it if it is a document or an archive of an unsupported kind."""
    head = data[:HEAD_BYTES]
    if document_kind(name, head):
        return UploadedFile(name, problem=f"{why_not_read(head, name)}, or send them as a ZIP.")
    kind = archive_kind(head)
    if kind and kind != "ZIP":
        return UploadedFile(
            name, problem=f"{kind} archives are not supported; send a ZIP or the images."
        )
    return UploadedFile(name, data)
