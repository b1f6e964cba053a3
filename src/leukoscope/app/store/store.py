"""The store: the only part of the app that uses the database.

Its methods block and are thread-safe; several servers can share a database.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from leukoscope.app.limits import Limits
from leukoscope.app.schemas import (
    Case,
    CaseChange,
    CaseHead,
    CaseIn,
    Cell,
    CellChange,
    Review,
    Reviews,
)
from leukoscope.app.store import reading, writing
from leukoscope.app.store.answers import CaseAnswers
from leukoscope.app.store.db_errors import damaged_values, display_name, open_errors, use_errors
from leukoscope.app.store.engine import Engines, make_engines, parse_url, prepare, vacuum
from leukoscope.app.store.errors import StoreError, UnavailableError
from leukoscope.app.store.location import scratch_folder
from leukoscope.app.store.migrate import bring_up_to_date
from leukoscope.app.store.writing import PredictionWithImage
from leukoscope.core.values import ConformalThresholds
from leukoscope.inference.rejection.flags import Flag
from leukoscope.inference.subject.model import SubjectModel

CLOSED = "the database of cases is not open; try again in a moment"


class Store:
    """Cases in one database.

    Every method except `open` and `close` raises UnavailableError if the database does not
    answer, and NotFoundError if the case, cell or image does not exist.

    Args:
        url: Database URL from `location.database_url`.
        limits: Limits of the server: cells per case, listed cases, length of notes.
        subjects: The model of subjects of each served model file, by its sha256; cases of these
            files get answers for their subjects.
    """

    def __init__(
        self,
        url: str,
        limits: Limits,
        subjects: Mapping[str, SubjectModel | None] | None = None,
    ) -> None:
        self._url = url
        self._answers = CaseAnswers(subjects or {})
        self._limits = limits
        self._engines: Engines | None = None

    def open(self) -> None:
        """Connect, and migrate the tables if necessary.

        Raises:
            StoreError: The database cannot be used.
            MissingExtraError: The driver of the database is not installed.
        """
        url = parse_url(self._url)
        with open_errors(url):
            engines = make_engines(url)
            try:
                prepare(engines)
                bring_up_to_date(engines.writing, display_name(url))
                with engines.reading.begin() as connection:
                    reading.check_tables(connection)
            except BaseException:
                engines.reading.dispose()
                raise
        self._engines = engines

    def close(self) -> None:
        """Close all connections. A database in memory is lost."""
        engines, self._engines = self._engines, None
        if engines is not None:
            engines.reading.dispose()

    def check(self) -> None:
        """Check that the database answers, and has all tables and columns.

        Raises:
            UnavailableError: It does not.
        """
        with self._reading() as connection:
            reading.check_tables(connection)

    def create(
        self,
        case: CaseIn,
        model: str,
        model_sha256: str,
        threshold: float,
        possible: ConformalThresholds | None = None,
    ) -> CaseHead:
        """Create a case.

        Args:
            case: Name, notes, and whether to keep images.
            model: Name of the model whose predictions it will contain.
            model_sha256: sha256 of the model file.
            threshold: Threshold of the model's operating point.
            possible: when the model abstains; None where it never does.

        Raises:
            StoreError: The notes are too long.
        """
        self._check_length(case.notes)
        with self._writing() as connection:
            case_id = writing.create(connection, case, model, model_sha256, threshold, possible)
            return self._head(connection, case_id)

    def heads(self) -> list[CaseHead]:
        """The newest cases, `Limits.listed_cases` at most, newest first, without their cells."""
        with self._reading() as connection:
            heads = reading.heads(connection, self._limits.listed_cases)
            return self._answers.add(connection, heads)

    def head(self, case_id: str) -> CaseHead:
        """A case without its cells."""
        with self._reading() as connection:
            return self._head(connection, case_id)

    def case(self, case_id: str) -> Case:
        """A case with its cells."""
        with self.snapshot(case_id) as (case, _):
            return case

    def cell(self, case_id: str, cell_id: int) -> Cell:
        """One cell of a case."""
        with self._reading() as connection:
            return reading.cells(connection, case_id, cell_id)[0]

    def image(self, case_id: str, cell_id: int) -> tuple[str, bytes]:
        """The name and the bytes of a stored image file."""
        with self._reading() as connection:
            return reading.image(connection, case_id, cell_id)

    @contextmanager
    def snapshot(self, case_id: str) -> Iterator[tuple[Case, Callable[[int], bytes]]]:
        """A case with its cells, and a function that loads the image of a cell id.

        Both are of one moment: what is deleted within the block is still there.
        """
        with self._reading() as connection:
            head = self._head(connection, case_id)
            cells = reading.cells(connection, case_id)
            seen = sum(Flag.SEEN_IN_TRAINING in cell.flags for cell in cells)
            case = Case(**dict(head), cells=cells, seen_in_training=seen)
            yield case, lambda cell_id: reading.image(connection, case_id, cell_id)[1]

    @property
    def scratch(self) -> Path | None:
        """Folder for temporary files; None if nothing may be written to a disk."""
        return scratch_folder(parse_url(self._url))

    def change(self, case_id: str, wanted: CaseChange) -> CaseHead:
        """Change a case's name, notes or threshold.

        Raises:
            StoreError: The notes are too long.
        """
        self._check_length(wanted.notes or "")
        with self._writing() as connection:
            writing.change(connection, case_id, wanted)
            return self._head(connection, case_id)

    def delete(self, case_id: str) -> None:
        """Delete a case with its cells, reviews and images."""
        with self._writing() as connection:
            writing.delete_case(connection, case_id)
        self._vacuum()

    def accept(self, case_id: str, served: Sequence[str]) -> str:
        """The sha256 of the case's model file, before any image is predicted with it.

        Args:
            case_id: Id of the case.
            served: The sha256 of the model files at hand.

        Raises:
            ConflictError: The case contains predictions of another model.
        """
        with self._reading() as connection:
            head = reading.head(connection, case_id)
        if head.model_sha256 not in served:
            writing.check_model(head.model, head.model_sha256, served[0])
        return head.model_sha256

    def add(
        self, case_id: str, cells: Sequence[PredictionWithImage], *, model_sha256: str
    ) -> list[int]:
        """Add predictions to a case, all of them or none.

        A file whose sha256 is already in the case is not added again.

        Args:
            case_id: Id of the case.
            cells: Predictions, each with the bytes of its file, which are stored if the case keeps
                images and the file is a valid image.
            model_sha256: sha256 of the model file that made the predictions.

        Returns:
            The cell id of each prediction, in order.

        Raises:
            ConflictError: The case contains predictions of another model, or has no room.
        """
        with self._writing() as connection:
            return writing.add(connection, case_id, cells, model_sha256, self._limits)

    def move(self, case_id: str, wanted: CellChange) -> CaseHead:
        """Set the subject of cells, of all of them or none."""
        with self._writing() as connection:
            writing.move(connection, case_id, wanted)
            return self._head(connection, case_id)

    def remove(self, case_id: str, cell_id: int) -> None:
        """Delete one cell with its reviews and its image."""
        with self._writing() as connection:
            writing.remove(connection, case_id, cell_id)
        self._vacuum()

    def review(self, case_id: str, cell_id: int, wanted: Review) -> Cell:
        """Record a review of a cell.

        Raises:
            ConflictError: Its file could not be read.
        """
        with self._writing() as connection:
            writing.review(connection, case_id, [cell_id], wanted)
            return reading.cells(connection, case_id, cell_id)[0]

    def review_all(self, case_id: str, wanted: Reviews) -> CaseHead:
        """Record the same review of several cells, of all of them or none; undone together.

        Raises:
            ConflictError: The file of one of them could not be read.
        """
        with self._writing() as connection:
            writing.review(connection, case_id, wanted.cells, wanted)
            return self._head(connection, case_id)

    def undo(self, case_id: str) -> Cell:
        """Undo the latest review in force, or those given together, and return its cell.

        Raises:
            ConflictError: No review is in force.
        """
        with self._writing() as connection:
            cell_id = writing.undo(connection, case_id)
            return reading.cells(connection, case_id, cell_id)[0]

    def _head(self, connection: Connection, case_id: str) -> CaseHead:
        """A case without its cells, with the answers for its subjects."""
        (head,) = self._answers.add(connection, [reading.head(connection, case_id)])
        return head

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with use_errors(), damaged_values(), self._opened().reading.begin() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with use_errors(), self._opened().writing.begin() as connection:
            yield connection

    def _opened(self) -> Engines:
        if self._engines is None:
            raise UnavailableError(CLOSED)
        return self._engines

    def _vacuum(self) -> None:
        with use_errors():
            vacuum(self._opened())

    def _check_length(self, notes: str) -> None:
        if len(notes) > self._limits.text_length:
            raise StoreError(
                f"the notes are longer than {self._limits.text_length} characters; shorten them"
            )
