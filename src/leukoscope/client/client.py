"""Python client of the REST API.

    from leukoscope.client import Client

    with Client() as client:
        for answer in client.predict(["cells/"]):
            print(answer.name, answer.verdict, answer.p_all)

Methods return the models of `leukoscope.app.schemas`. Needs the extra `client`.
"""

import json
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from pydantic import TypeAdapter, ValidationError

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
from leukoscope.client.upload_batches import Image, UnreadableImage, UploadBatch, upload_batches
from leukoscope.core.errors import ServerError, missing_extra
from leukoscope.core.several import several
from leukoscope.core.verdicts import Verdict
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.verdict import threshold

if TYPE_CHECKING:
    import httpx

Format = Literal["csv", "subjects", "json", "html", "cohort"]
Kind = TypeVar("Kind")
Line = CellPrediction | StreamEnd | Problem
_LINE: Any = Line

BUSY = frozenset((429, 503))


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
        try:
            import httpx
        except ImportError as error:
            raise missing_extra("the client", error) from error
        self._patience = patience
        headers = {b"Authorization": f"Bearer {token}".encode()} if token else {}
        try:
            self._http = httpx.Client(
                base_url=url, headers=headers, timeout=timeout, trust_env=False
            )
        except httpx.InvalidURL as error:
            raise ServerError(
                f"{url!r} is not a valid server address ({error}); try http://127.0.0.1:8000"
            ) from error

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
        self._http.close()

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
        return _read(CellPrediction, self._ask("POST", "/v1/explain", files=batch))

    def find_cells(self, picture: Image, um_per_px: float | None = None) -> FieldCells:
        """Find the white cells of a picture of a smear.

        Args:
            picture: As an image of `predict`.
            um_per_px: Its scale; by default what the file states, else an estimate.
        """
        query = {} if um_per_px is None else {"um_per_px": um_per_px}
        return _read(FieldCells, self._picture("/v1/fields", picture, query))

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
        return self._ask("POST", path, files=batch, params=query)

    def models(self) -> list[ModelEntry]:
        """List the served models with their model cards."""
        return _read(list[ModelEntry], self._ask("GET", "/v1/models"))

    def vocabulary(self) -> Vocabulary:
        """Get names and meanings of verdicts, metrics and image formats."""
        return _read(Vocabulary, self._ask("GET", "/v1/vocabulary"))

    def cases(self) -> list[CaseHead]:
        """List all cases without their cells, newest first."""
        return _read(list[CaseHead], self._ask("GET", "/v1/cases"))

    def create_case(
        self, name: str = "", notes: str = "", *, keep_images: bool = False
    ) -> CaseHead:
        """Create a case. Without a name it is named after the time."""
        body = CaseIn(name=name, notes=notes, keep_images=keep_images).model_dump()
        return _read(CaseHead, self._ask("POST", "/v1/cases", json=body))

    def case(self, case: str) -> Case:
        """Get a case with its cells."""
        return _read(Case, self._ask("GET", f"/v1/cases/{case}"))

    def change_case(self, case: str, change: CaseChange) -> CaseHead:
        """Change the fields set in `change`; `CaseChange(threshold=None)` resets the threshold."""
        body = change.model_dump(exclude_unset=True)
        return _read(CaseHead, self._ask("PATCH", f"/v1/cases/{case}", json=body))

    def delete_case(self, case: str) -> None:
        """Delete a case with its cells, reviews and images."""
        self._ask("DELETE", f"/v1/cases/{case}")

    def move(self, case: str, cells: Sequence[int] | int, subject: str) -> CaseHead:
        """Assign one or several cells to another subject."""
        body = CellChange(cells=list(several(cells)), subject=subject).model_dump()
        return _read(CaseHead, self._ask("PATCH", f"/v1/cases/{case}/cells", json=body))

    def review(
        self, case: str, cell: int, label: Label, reviewer: str = "", note: str = ""
    ) -> Cell:
        """Record a review of a cell."""
        body = Review(label=label, reviewer=reviewer, note=note).model_dump()
        return _read(Cell, self._ask("PUT", f"/v1/cases/{case}/cells/{cell}/review", json=body))

    def review_all(
        self, case: str, cells: Sequence[int], label: Label, reviewer: str = "", note: str = ""
    ) -> CaseHead:
        """Record the same review of several cells, of all of them or none."""
        body = Reviews(cells=list(cells), label=label, reviewer=reviewer, note=note).model_dump()
        return _read(CaseHead, self._ask("PUT", f"/v1/cases/{case}/reviews", json=body))

    def undo(self, case: str) -> Cell:
        """Take back the latest review of the case, or those given together."""
        return _read(Cell, self._ask("POST", f"/v1/cases/{case}/undo"))

    def export(self, case: str, format: Format = "csv", *, images: bool = True) -> bytes:
        """Export a case: a CSV table, JSON, an HTML report, or a cohort as a ZIP to train on."""
        params = {"format": format, "images": images}
        return self._ask("GET", f"/v1/cases/{case}/export", params=params)

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
        with self._response(
            "POST", "/v1/predict", params=query, headers=accept, files=batch
        ) as response:
            count = 0
            for line in response.iter_lines():
                message: Line = _read(_LINE, line)
                if isinstance(message, Problem):
                    raise ServerError(message.error)
                if isinstance(message, StreamEnd):
                    return
                count += 1
                yield message
            raise ServerError(
                f"the connection ended after {count} predictions; send the rest again"
            )

    def _ask(self, method: str, path: str, **request: Any) -> bytes:
        with self._response(method, path, **request) as response:
            return response.read()

    @contextmanager
    def _response(self, method: str, path: str, **request: Any) -> Iterator["httpx.Response"]:
        """Open the response to a request, waiting while the server is busy."""
        import httpx

        patience = self._patience
        try:
            while True:
                with self._http.stream(method, path, **request) as response:
                    if response.is_success:
                        yield response
                        return
                    response.read()
                pause = _pause(response)
                if pause is None or pause > patience:
                    raise ServerError(_reason(response), response.status_code)
                patience -= pause
                time.sleep(pause)
        except httpx.HTTPError as error:
            what = str(error) or type(error).__name__
            raise ServerError(
                f"{self._http.base_url}: {what}; is `leukoscope serve` running there?"
            ) from error


def _read(kind: type[Kind], body: bytes | str) -> Kind:
    """Parse an answer of the server."""
    schema: Any = kind
    try:
        parsed: Kind = _adapter(schema).validate_json(body)
        return parsed
    except ValidationError as error:
        raise ServerError(
            "unexpected answer; check that server and client have the same version"
        ) from error


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _pause(response: "httpx.Response") -> float | None:
    """Seconds to wait before the next try; None if the request must not be repeated.

    A server sends Retry-After only if it has done nothing, so nothing is done twice. Random jitter
    keeps many clients from coming back at the same time.
    """
    retry_after = response.headers.get("Retry-After", "")
    if response.status_code not in BUSY or not retry_after.isdecimal():
        return None
    return int(retry_after) * random.uniform(1.0, 1.25)


def _reason(response: "httpx.Response") -> str:
    """The server's error message."""
    try:
        return Problem.model_validate_json(response.content).error
    except ValidationError:
        return f"{response.url}: HTTP {response.status_code}; is this a Leukoscope server?"
