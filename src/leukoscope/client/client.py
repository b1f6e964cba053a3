"""A client for a running server, in the words of its REST API.

    from leukoscope.client import Client

    with Client() as client:
        for answer in client.predict(["cells/"]):
            print(answer.name, answer.verdict, answer.p_all)

What comes back are the models of `leukoscope.app.schemas`. Needs the extra `client`.
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
    Answer,
    Case,
    CaseChange,
    CaseHead,
    CaseIn,
    Cell,
    CellChange,
    Include,
    Label,
    ModelEntry,
    Problem,
    Review,
    StreamEnd,
)
from leukoscope.client.upload_batches import Image, UnreadableImage, UploadBatch, upload_batches
from leukoscope.core.errors import ServerError, missing_extra
from leukoscope.core.verdicts import Verdict
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.verdict import threshold

if TYPE_CHECKING:
    import httpx

Format = Literal["csv", "json", "html", "cohort"]
Kind = TypeVar("Kind")
Line = Answer | StreamEnd | Problem
_LINE: Any = Line

BUSY = frozenset((429, 503))


class Client:
    """Talks to one server. May be used from several threads at once.

    Every method raises `ServerError`, with the server's own line, where the server refuses or
    cannot be reached. While it is busy, requests wait as long as it asks, within `patience`.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        token: str | None = None,
        *,
        timeout: float = 120.0,
        patience: float = 600.0,
    ) -> None:
        """Set up; nothing is sent yet. Proxies named in the environment are not used.

        Args:
            url: Where the server is.
            token: The server's token, if it has one.
            timeout: Seconds without any sign of the server after which a request fails.
            patience: Seconds that one request waits at most for a busy server.

        Raises:
            MissingExtraError: httpx is not installed.
            ServerError: `url` is none.
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
            raise ServerError(f"{url!r} is no address of a server ({error})") from error

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
        """Let go of the connections."""
        self._http.close()

    def predict(
        self,
        images: Image | Iterable[Image],
        include: Sequence[Include] = (),
        case: str | None = None,
    ) -> Iterator[Answer]:
        """Answers for images, in order, as they come; sent a few dozen at a time.

        Args:
            images: Image files, folders of them, patterns, ZIP archives, bytes, or pairs of a name
                and bytes. A folder's images are named folder/file, others by their file names.
            include: Parts of the answers that cost extra.
            case: Id of a case that the answers are added to.

        Yields:
            An answer for each image. A file that can't be read here gives one with the verdict
            `error` as well; it is not sent, and no part of the case.
        """
        query: dict[str, Any] = {"include": list(include)}
        if case is not None:
            query["case"] = case
        for parcel in upload_batches(images):
            if isinstance(parcel, UnreadableImage):
                yield self._unread(parcel)
            else:
                yield from self._stream(parcel, query)

    def explain(self, image: Image) -> Answer:
        """The answer to one image with heatmap, picture, measurements and nearest examples."""
        parcel = next(upload_batches([image]))
        if isinstance(parcel, UnreadableImage):
            return self._unread(parcel)
        return _read(Answer, self._ask("POST", "/v1/explain", files=parcel))

    def models(self) -> list[ModelEntry]:
        """The models that answer, with their cards."""
        return _read(list[ModelEntry], self._ask("GET", "/v1/models"))

    def cases(self) -> list[CaseHead]:
        """All cases without their cells, newest first."""
        return _read(list[CaseHead], self._ask("GET", "/v1/cases"))

    def create_case(
        self, name: str = "", notes: str = "", *, keep_images: bool = False
    ) -> CaseHead:
        """A new case; without a name it is named after the time."""
        body = CaseIn(name=name, notes=notes, keep_images=keep_images).model_dump()
        return _read(CaseHead, self._ask("POST", "/v1/cases", json=body))

    def case(self, case: str) -> Case:
        """A case with its cells."""
        return _read(Case, self._ask("GET", f"/v1/cases/{case}"))

    def change_case(self, case: str, change: CaseChange) -> CaseHead:
        """Change what `change` sets: `CaseChange(threshold=None)` takes the case's own back."""
        body = change.model_dump(exclude_unset=True)
        return _read(CaseHead, self._ask("PATCH", f"/v1/cases/{case}", json=body))

    def delete_case(self, case: str) -> None:
        """Delete a case with all that is kept of it."""
        self._ask("DELETE", f"/v1/cases/{case}")

    def move(self, case: str, cells: Sequence[int], subject: str) -> CaseHead:
        """Put cells under another subject."""
        body = CellChange(cells=list(cells), subject=subject).model_dump()
        return _read(CaseHead, self._ask("PATCH", f"/v1/cases/{case}/cells", json=body))

    def review(
        self, case: str, cell: int, label: Label, reviewer: str = "", note: str = ""
    ) -> Cell:
        """Say what a cell is."""
        body = Review(label=label, reviewer=reviewer, note=note).model_dump()
        return _read(Cell, self._ask("PUT", f"/v1/cases/{case}/cells/{cell}/review", json=body))

    def undo(self, case: str) -> Cell:
        """Take back the latest review that stands."""
        return _read(Cell, self._ask("POST", f"/v1/cases/{case}/undo"))

    def export(self, case: str, format: Format = "csv") -> bytes:
        """A case as a file: a table, JSON, a printable page, or a ZIP that `train` reads."""
        return self._ask("GET", f"/v1/cases/{case}/export", params={"format": format})

    def _unread(self, parcel: UnreadableImage) -> Answer:
        entry = self.models()[0]
        return Answer(
            name=parcel.name,
            subject="",
            p_all=None,
            verdict=Verdict.ERROR,
            logit=None,
            flags=[],
            reason=parcel.problem,
            model=entry.name,
            sha256="",
            threshold=threshold(Card.from_json(json.dumps(entry.card))),
        )

    def _stream(self, parcel: UploadBatch, query: dict[str, Any]) -> Iterator[Answer]:
        """The answers of one request, and an error unless all of them came."""
        accept = {"Accept": "application/x-ndjson"}
        with self._response(
            "POST", "/v1/predict", params=query, headers=accept, files=parcel
        ) as response:
            count = 0
            for line in response.iter_lines():
                told: Line = _read(_LINE, line)
                if isinstance(told, Problem):
                    raise ServerError(told.error)
                if isinstance(told, StreamEnd):
                    return
                count += 1
                yield told
            raise ServerError(f"the stream of answers was cut after {count}; send the rest again")

    def _ask(self, method: str, path: str, **request: Any) -> bytes:
        with self._response(method, path, **request) as response:
            return response.read()

    @contextmanager
    def _response(self, method: str, path: str, **request: Any) -> Iterator["httpx.Response"]:
        """The open response to a request, once it is not refused any more."""
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
    """What a server said, as one of the schemas."""
    form: Any = kind
    try:
        told: Kind = _adapter(form).validate_json(body)
        return told
    except ValidationError as error:
        raise ServerError(
            "the answer is not what this version expects; are server and client of one version?"
        ) from error


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _pause(response: "httpx.Response") -> float | None:
    """Seconds to wait before asking again; None if that is no use.

    A server names a time only with a refusal, having done nothing, so nothing is done twice. A
    little chance keeps many clients from coming back all at once.
    """
    named = response.headers.get("Retry-After", "")
    if response.status_code not in BUSY or not named.isdecimal():
        return None
    return int(named) * random.uniform(1.0, 1.25)


def _reason(response: "httpx.Response") -> str:
    """The server's own line about a refusal."""
    try:
        return Problem.model_validate_json(response.content).error
    except ValidationError:
        return f"{response.url}: refused with HTTP {response.status_code}; is Leukoscope there?"
