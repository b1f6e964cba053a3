"""Python client of the REST API.

    from leukoscope.client import Client

    with Client() as client:
        for answer in client.predict(["cells/"]):
            print(answer.name, answer.verdict, answer.p_all)

Methods return the models of `leukoscope.app.schemas`. Needs the extra `client`.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Literal, Self

from leukoscope.app.schemas import (
    Case,
    CaseChange,
    CaseHead,
    CaseIn,
    Cell,
    CellChange,
    CellPrediction,
    FieldCells,
    Include,
    Label,
    ModelEntry,
    Problem,
    Review,
    Reviews,
    StreamEnd,
)
from leukoscope.app.vocabulary import Vocabulary
from leukoscope.client.connection import Connection, read_answer
from leukoscope.client.upload_batches import Image, UnreadableImage, UploadBatch, upload_batches
from leukoscope.core.errors import ServerError
from leukoscope.core.several import several
from leukoscope.core.verdicts import Verdict
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.verdict import threshold

Format = Literal["csv", "subjects", "json", "html", "cohort"]
Line = CellPrediction | StreamEnd | Problem
_LINE: Any = Line


class Client:
    """A connection to one server. Safe to use from several threads.

    Every method raises `ServerError` with the server's message if the server refuses the request
    or cannot be reached. A busy server (429, 503) is asked again after the time it names, up to
    `patience` seconds in total.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        token: str | None = None,
        *,
        timeout: float = 120.0,
        patience: float = 600.0,
    ) -> None:
        """Create a client. Nothing is sent yet, and proxies from the environment are ignored.

        Args:
            url: Address of the server.
            token: Bearer token, if the server was started with one.
            timeout: Seconds without any data from the server after which a request fails.
            patience: Maximum time in seconds that one request waits for a busy server.

        Raises:
            MissingExtraError: httpx is not installed.
            ServerError: `url` is not a valid URL.
        """
        self._connection = Connection(url, token, timeout, patience)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def predict(
        self,
        images: Image | Iterable[Image],
        include: Sequence[Include] | Include = (),
        case: str | None = None,
    ) -> Iterator[CellPrediction]:
        """Predict images. They are sent in batches; predictions arrive in order.

        Args:
            images: Image files, folders, glob patterns, ZIP archives, bytes, or pairs of a name
                and bytes. Images of a folder are named folder/file, others by their file names.
            include: One or several optional parts of a prediction, which take extra time.
            case: Id of a case to add the predictions to.

        Yields:
            One prediction for each image. A file that cannot be read on this machine gives a
            prediction with the verdict `error`; it is not sent, nor added to the case.
        """
        query: dict[str, Any] = {"include": list(several(include))}
        if case is not None:
            query["case"] = case
        for batch in upload_batches(images):
            if isinstance(batch, UnreadableImage):
                yield self._unread(batch)
            else:
                yield from self._stream(batch, query)

    def explain(self, image: Image) -> CellPrediction:
        """Predict one image, with heatmap, picture, measurements and the most similar examples."""
        batch = next(upload_batches([image]))
        if isinstance(batch, UnreadableImage):
            return self._unread(batch)
        return read_answer(CellPrediction, self._connection.ask("POST", "/v1/explain", files=batch))

    def find_cells(self, picture: Image, um_per_px: float | None = None) -> FieldCells:
        """Find the white cells of a picture of a smear.

        Args:
            picture: As an image of `predict`.
            um_per_px: Its scale; by default what the file states, else an estimate.
        """
        query = {} if um_per_px is None else {"um_per_px": um_per_px}
        return read_answer(FieldCells, self._picture("/v1/fields", picture, query))

    def cut_cells(
        self, picture: Image, numbers: Sequence[int], um_per_px: float | None = None
    ) -> bytes:
        """Cut cells out of a picture of a smear: a ZIP of images, for `predict`.

        Args:
            picture: The same as for `find_cells`.
            numbers: The numbers of the cells in its answer.
            um_per_px: As for `find_cells`.
        """
        query: dict[str, Any] = {"number": list(numbers)}
        query |= {} if um_per_px is None else {"um_per_px": um_per_px}
        return self._picture("/v1/fields/cells", picture, query)

    def _picture(self, path: str, picture: Image, query: dict[str, Any]) -> bytes:
        batch = next(upload_batches([picture]))
        if isinstance(batch, UnreadableImage):
            raise ServerError(f"{batch.name}: {batch.problem}")
        return self._connection.ask("POST", path, files=batch, params=query)

    def models(self) -> list[ModelEntry]:
        """List the served models with their model cards."""
        return read_answer(list[ModelEntry], self._connection.ask("GET", "/v1/models"))

    def vocabulary(self) -> Vocabulary:
        """Get names and meanings of verdicts, metrics and image formats."""
        return read_answer(Vocabulary, self._connection.ask("GET", "/v1/vocabulary"))

    def cases(self) -> list[CaseHead]:
        """List all cases without their cells, newest first."""
        return read_answer(list[CaseHead], self._connection.ask("GET", "/v1/cases"))

    def create_case(
        self, name: str = "", notes: str = "", *, keep_images: bool = False
    ) -> CaseHead:
        """Create a case. Without a name it is named after the time."""
        body = CaseIn(name=name, notes=notes, keep_images=keep_images).model_dump()
        return read_answer(CaseHead, self._connection.ask("POST", "/v1/cases", json=body))

    def case(self, case: str) -> Case:
        """Get a case with its cells."""
        return read_answer(Case, self._connection.ask("GET", f"/v1/cases/{case}"))

    def change_case(self, case: str, change: CaseChange) -> CaseHead:
        """Change the fields set in `change`; `CaseChange(threshold=None)` resets the threshold."""
        body = change.model_dump(exclude_unset=True)
        return read_answer(CaseHead, self._connection.ask("PATCH", f"/v1/cases/{case}", json=body))

    def delete_case(self, case: str) -> None:
        """Delete a case with its cells, reviews and images."""
        self._connection.ask("DELETE", f"/v1/cases/{case}")

    def move(self, case: str, cells: Sequence[int] | int, subject: str) -> CaseHead:
        """Assign one or several cells to another subject."""
        body = CellChange(cells=list(several(cells)), subject=subject).model_dump()
        return read_answer(
            CaseHead, self._connection.ask("PATCH", f"/v1/cases/{case}/cells", json=body)
        )

    def review(
        self, case: str, cell: int, label: Label, reviewer: str = "", note: str = ""
    ) -> Cell:
        """Record a review of a cell."""
        body = Review(label=label, reviewer=reviewer, note=note).model_dump()
        return read_answer(
            Cell, self._connection.ask("PUT", f"/v1/cases/{case}/cells/{cell}/review", json=body)
        )

    def review_all(
        self, case: str, cells: Sequence[int], label: Label, reviewer: str = "", note: str = ""
    ) -> CaseHead:
        """Record the same review of several cells, of all of them or none."""
        body = Reviews(cells=list(cells), label=label, reviewer=reviewer, note=note).model_dump()
        return read_answer(
            CaseHead, self._connection.ask("PUT", f"/v1/cases/{case}/reviews", json=body)
        )

    def undo(self, case: str) -> Cell:
        """Take back the latest review of the case, or those given together."""
        return read_answer(Cell, self._connection.ask("POST", f"/v1/cases/{case}/undo"))

    def export(self, case: str, format: Format = "csv", *, images: bool = True) -> bytes:
        """Export a case: a CSV table, JSON, an HTML report, or a cohort as a ZIP to train on."""
        params = {"format": format, "images": images}
        return self._connection.ask("GET", f"/v1/cases/{case}/export", params=params)

    def _unread(self, image: UnreadableImage) -> CellPrediction:
        entry = self.models()[0]
        return CellPrediction(
            name=image.name,
            subject="",
            p_all=None,
            verdict=Verdict.ERROR,
            logit=None,
            flags=[],
            reason=image.problem,
            model=entry.name,
            sha256="",
            threshold=threshold(Card.from_json(json.dumps(entry.card))),
        )

    def _stream(self, batch: UploadBatch, query: dict[str, Any]) -> Iterator[CellPrediction]:
        """Yield the predictions of one request; fail if the stream ends early."""
        accept = {"Accept": "application/x-ndjson"}
        with self._connection.response(
            "POST", "/v1/predict", params=query, headers=accept, files=batch
        ) as response:
            count = 0
            for line in response.iter_lines():
                message: Line = read_answer(_LINE, line)
                if isinstance(message, Problem):
                    raise ServerError(message.error)
                if isinstance(message, StreamEnd):
                    return
                count += 1
                yield message
            raise ServerError(
                f"the connection ended after {count} predictions; send the rest again"
            )
