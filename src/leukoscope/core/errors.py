"""One exception tree. A message says in one line what is wrong, where, and what to do next."""

RESEARCH_USE = "Research use only. Not for diagnosis."


class LeukoscopeError(Exception):
    """Something a user can mend. The command line prints the message and ends with `exit_code`."""

    exit_code = 2


class ImageError(LeukoscopeError):
    """One file cannot be used as a cell image."""


class CohortError(LeukoscopeError):
    """A data set cannot be read as a table of cells."""


class SplitError(LeukoscopeError):
    """Persons cannot be divided as asked."""


class LeakageError(LeukoscopeError):
    """The same person or image would stand on both sides of an evaluation."""


class RecipeError(LeukoscopeError):
    """A recipe has a wrong field or value."""


class TrainingError(LeukoscopeError):
    """A run cannot start, resume or go on."""


class TuningError(LeukoscopeError):
    """A study cannot start or go on."""


class DatabaseError(LeukoscopeError):
    """A database is not named as one that can be used."""


class ModelFileError(LeukoscopeError):
    """A model file cannot be read or written."""


class ParityError(ModelFileError):
    """The exported model does not answer as the trained one does."""


class DownloadError(LeukoscopeError):
    """A data set or a file of weights could not be fetched."""


class ServeError(LeukoscopeError):
    """The server cannot start as asked."""


class ServerError(LeukoscopeError):
    """A server cannot be reached, or refused a request; `status` is then the HTTP status."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class MissingExtraError(LeukoscopeError):
    """The installed package lacks the extra that a verb needs."""


def missing_extra(verb: str, error: ImportError, extra: str = "train") -> MissingExtraError:
    """The error to raise when importing an optional room failed.

    Args:
        verb: What the user asked for, as they would name it.
        error: The import failure; its module name is shown.
        extra: The extra that provides the missing package.
    """
    return MissingExtraError(
        f"{verb} needs the package {error.name!r}, which this installation lacks. "
        f"Install it with: pip install 'leukoscope[{extra}]'"
    )
