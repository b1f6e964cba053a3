"""The store: the only part of the app that talks to the database.

Its methods block and are safe in any number of threads; several servers may share a database.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, select

from leukoscope.app.limits import Limits
from leukoscope.app.schemas import (
    Case,
    CaseChange,
    CaseHead,
    CaseIn,
    Cell,
    CellChange,
    Review,
)
from leukoscope.app.store import reading, writing
from leukoscope.app.store.db_errors import opening, shown, using
from leukoscope.app.store.engine import Engines, make_engines, parse_url, prepare, vacuum
from leukoscope.app.store.errors import StoreError, UnavailableError
from leukoscope.app.store.migrate import bring_up_to_date
from leukoscope.app.store.writing import PredictionWithImage
from leukoscope.core.values import ConformalThresholds

CLOSED = "the database of cases is not open yet, or no longer; try again in a moment"


class Store:
    """Cases in one database.

    Every method but `open`, `close` and `ready` raises UnavailableError where the database does
    not answer, and NotFoundError where the case, the cell or the image it is about is not there.

    Args:
        url: from `location.database_url`.
        limits: how much a case may hold, and how many cases are listed.
    """

    def __init__(self, url: str, limits: Limits) -> None:
        self._url = url
        self._limits = limits
        self._engines: Engines | None = None

    def open(self) -> None:
        """Connect, and bring the tables up to date.

        Raises:
            StoreError: The database cannot be used; one line says why and what to do.
            MissingExtraError: The driver of the database is not installed.
        """
        url = parse_url(self._url)
        with opening(url):
            engines = make_engines(url)
            try:
                prepare(engines)
                bring_up_to_date(engines.writing, shown(url))
            except BaseException:
                engines.reading.dispose()
                raise
        self._engines = engines

    def close(self) -> None:
        """Let go of every connection; what is in memory is gone."""
        engines, self._engines = self._engines, None
        if engines is not None:
            engines.reading.dispose()

    @property
    def ready(self) -> bool:
        """Whether the database answers; it is asked."""
        try:
            with self._reading() as connection:
                return connection.execute(select(1)).scalar() == 1
        except UnavailableError:
            return False

    def create(
        self,
        case: CaseIn,
        model: str,
        model_sha256: str,
        threshold: float,
        possible: ConformalThresholds | None = None,
    ) -> CaseHead:
        """Start a case.

        Args:
            case: its name, notes and whether it keeps images.
            model: the name of the model whose answers it will hold.
            model_sha256: of the model file.
            threshold: the model's operating point.
            possible: when the model abstains; None where it never does.

        Raises:
            StoreError: The notes are too long.
        """
        self._check_length(case.notes)
        with self._writing() as connection:
            case_id = writing.create(connection, case, model, model_sha256, threshold, possible)
            return reading.head(connection, case_id)

    def heads(self) -> list[CaseHead]:
        """The newest cases, `Limits.listed_cases` at most, newest first, without their cells."""
        with self._reading() as connection:
            return reading.heads(connection, self._limits.listed_cases)

    def head(self, case_id: str) -> CaseHead:
        """A case without its cells."""
        with self._reading() as connection:
            return reading.head(connection, case_id)

    def case(self, case_id: str) -> Case:
        """A case with its cells."""
        with self._reading() as connection:
            head = reading.head(connection, case_id)
            return Case(**dict(head), cells=reading.cells(connection, case_id))

    def cell(self, case_id: str, cell_id: int) -> Cell:
        """One cell of a case."""
        with self._reading() as connection:
            return reading.cells(connection, case_id, cell_id)[0]

    def image(self, case_id: str, cell_id: int) -> tuple[str, bytes]:
        """The name and the bytes of a stored image file."""
        with self._reading() as connection:
            return reading.image(connection, case_id, cell_id)

    def change(self, case_id: str, wanted: CaseChange) -> CaseHead:
        """Change a case's name, notes or threshold.

        Raises:
            StoreError: The notes are too long.
        """
        self._check_length(wanted.notes or "")
        with self._writing() as connection:
            writing.change(connection, case_id, wanted)
            return reading.head(connection, case_id)

    def delete(self, case_id: str) -> None:
        """Delete a case with its cells, reviews and images."""
        with self._writing() as connection:
            writing.discard(connection, case_id)
        self._scrub()

    def accept(self, case_id: str, model_sha256: str) -> None:
        """Say early, before any image is looked at, whether `add` would refuse this model.

        Raises:
            ConflictError: The case holds answers of another model.
        """
        head = self.head(case_id)
        writing.check_model(head.model, head.model_sha256, model_sha256)

    def add(
        self, case_id: str, cells: Sequence[PredictionWithImage], *, model_sha256: str
    ) -> list[int]:
        """Add answers to a case, all of them or none.

        A file whose sha256 the case has already is not added again.

        Args:
            case_id: the case.
            cells: answers, each with the file's bytes, which are stored where the case keeps
                images and the file is one.
            model_sha256: of the model file that answered.

        Returns:
            The id of each answer's cell, in order.

        Raises:
            ConflictError: The answers are of another model than the case's, or too many.
        """
        with self._writing() as connection:
            return writing.add(connection, case_id, cells, model_sha256, self._limits)

    def move(self, case_id: str, wanted: CellChange) -> CaseHead:
        """Give cells a subject by hand, all of them or none."""
        with self._writing() as connection:
            writing.move(connection, case_id, wanted)
            return reading.head(connection, case_id)

    def remove(self, case_id: str, cell_id: int) -> None:
        """Delete one cell with its reviews and its image."""
        with self._writing() as connection:
            writing.remove(connection, case_id, cell_id)
        self._scrub()

    def review(self, case_id: str, cell_id: int, wanted: Review) -> Cell:
        """Write down what a person says about a cell."""
        with self._writing() as connection:
            writing.review(connection, case_id, cell_id, wanted)
            return reading.cells(connection, case_id, cell_id)[0]

    def undo(self, case_id: str) -> Cell:
        """Take back the latest review that stands, and give the cell it was about.

        Raises:
            ConflictError: No review stands.
        """
        with self._writing() as connection:
            cell_id = writing.undo(connection, case_id)
            return reading.cells(connection, case_id, cell_id)[0]

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with using(), self._opened().reading.begin() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with using(), self._opened().writing.begin() as connection:
            yield connection

    def _opened(self) -> Engines:
        if self._engines is None:
            raise UnavailableError(CLOSED)
        return self._engines

    def _scrub(self) -> None:
        with using():
            vacuum(self._opened())

    def _check_length(self, notes: str) -> None:
        if len(notes) > self._limits.text_length:
            raise StoreError(f"notes take {self._limits.text_length} characters at most")
