"""One prediction, predictions as rows of a table, and their summary per subject."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from leukoscope.core.files import natural_key
from leukoscope.core.statistics import wilson_interval
from leukoscope.core.tables import TableWriter
from leukoscope.core.verdicts import ANSWERS, Verdict
from leukoscope.core.wording import count as counted
from leukoscope.data.cnmc.cnmc import parse_name
from leukoscope.inference.rejection.flags import Flag
from leukoscope.inference.subject.answer import SubjectAnswer
from leukoscope.inference.subject.copies import PIXEL_DIGITS, PIXELS
from leukoscope.inference.subject.model import SubjectModel
from leukoscope.inference.subject.rows import SubjectLogits

FIELDS = ("path", "subject", "p_all", "verdict", "logit", "flags", "reason", "model")
NUMBERS = ("p_all", "logit", "p_all_in_context", "um_per_px")
"""The columns of numbers; all others are text."""

Row = Mapping[str, Any]


@dataclass(frozen=True, repr=False)
class Prediction:
    """The result for one image.

    Attributes:
        name: The path, or "" for an image that came as bytes or as an array.
        verdict: See `leukoscope.Verdict`.
        p_all: Calibrated probability of ALL; None, as `logit`, where the network was not run or
            failed.
        logit: The network's output before the temperature.
        flags: Remarks on the image, such as "no black border".
        reason: Why there is no answer.
        heatmap: float32 (h, w) over the whole crop, positive where it speaks for ALL; where asked
            for.
        embedding: float32 (d,), where asked for.
        distance: Distance from the training cells, where the card has a limit for it.
        heatmap_kind: "exact", or "occlusion" for an approximate map.
        subject: The subject that a table named for the image; "" if none did.
        um_per_px: Scale of the image by a table or its file; None if unknown.
        pixels: Hash of its pixels, by which copies are known; "" if there is none.
    """

    name: str
    verdict: Verdict
    p_all: float | None = None
    logit: float | None = None
    flags: tuple[str, ...] = ()
    reason: str = ""
    heatmap: np.ndarray | None = None
    embedding: np.ndarray | None = None
    distance: float | None = None
    heatmap_kind: Literal["exact", "occlusion"] | None = None
    subject: str = ""
    um_per_px: float | None = None
    pixels: str = ""

    def __repr__(self) -> str:
        parts = [f"{self.name!r}, {str(self.verdict)!r}"]
        parts += [] if self.p_all is None else [f"p_all={self.p_all:.3f}"]
        parts += [f"flags={self.flags}"] if self.flags else []
        parts += [f"reason={self.reason!r}"] if self.reason else []
        if self.heatmap is not None:
            size = "x".join(map(str, self.heatmap.shape))
            parts.append(f"heatmap=<{size}, {self.heatmap_kind}>")
        if self.embedding is not None:
            parts.append(f"embedding=<{len(self.embedding)}>")
        return f"Prediction({', '.join(parts)})"


@dataclass(frozen=True)
class SubjectSummary:
    """The predictions for the cells of one subject.

    Attributes:
        subject: The subject id; "" for images without one.
        cells: Number of images.
        blasts: Images with the verdict "blast".
        fraction: Blasts among the images with an answer (blast or normal); None if there are none.
        low: Lower end of the fraction's 95 % Wilson interval, which reflects the number of cells,
            not the model's errors.
        high: Upper end of that interval.
        not_answered: Images without an answer: uncertain, not a cell, or not usable.
        uncertain: Images with the verdict "uncertain".
        not_cells: Images with the verdict "not a cell".
        answer: What the usable cells say together; None if the card has no model of subjects.
    """

    subject: str
    cells: int
    blasts: int
    fraction: float | None
    low: float | None
    high: float | None
    not_answered: int
    uncertain: int = 0
    not_cells: int = 0
    answer: SubjectAnswer | None = None

    @property
    def answered(self) -> int:
        """Cells with the verdict blast or normal."""
        return self.cells - self.not_answered

    def sentence(self) -> str:
        """Describe the summary in one sentence."""
        subject = f"Subject {self.subject}" if self.subject else "Images without a subject"
        reasons = self._reasons()
        if self.fraction is None or self.low is None or self.high is None:
            return f"{subject}: none of {counted(self.cells, 'cell')} could be classified{reasons}."
        text = (
            f"{subject}: {self.blasts} of {counted(self.answered, 'cell')} predicted as blasts "
            f"({self.fraction:.1%}, 95 % interval {self.low:.1%} to {self.high:.1%})"
        )
        return (
            f"{text}, {self.not_answered} not classified{reasons}."
            if self.not_answered
            else f"{text}."
        )

    def answer_sentence(self) -> str:
        """The answer for the subject in one sentence; "" without one."""
        return answer_sentence(self.subject, self.answer)

    def _reasons(self) -> str:
        """Count the verdicts that are no answer."""
        errors = self.not_answered - self.uncertain - self.not_cells
        counts = ((self.uncertain, Verdict.UNCERTAIN), (self.not_cells, Verdict.NOT_A_CELL))
        texts = [f"{number} {word}" for number, word in counts if number]
        texts += [counted(errors, "error")] if errors else []
        return f" ({', '.join(texts)})" if texts else ""


def answer_sentence(subject: str, answer: SubjectAnswer | None) -> str:
    """The answer for a subject in one sentence; "" without one."""
    if answer is None:
        return ""
    name = f"Subject {subject}" if subject else "Images without a subject, taken as one"
    return f"{name}, all cells together: {answer.text()}."


@dataclass(frozen=True)
class Outcome:
    """Counts of all predictions, and a summary per subject.

    Attributes:
        rows: Number of images.
        failed: Images with the verdict "error".
        subjects: In natural order; images without a subject last.
        seen_in_training: Images that the model was trained or calibrated on.
        beyond_crop: Images whose cell reaches over the crop that the model sees.
        copies: Usable images with the pixels of another one of their subject; 0 without answers for
            subjects, in which each image counts once.
        unknown_scale: Images of unknown scale among those looked at; None if not counted.
        scale_looked_at: Images looked at for it, see `inference.scales`.
    """

    rows: int
    failed: int
    subjects: tuple[SubjectSummary, ...]
    seen_in_training: int = 0
    beyond_crop: int = 0
    copies: int = 0
    unknown_scale: int | None = field(default=None, compare=False)
    scale_looked_at: int = field(default=0, compare=False)

    @property
    def verdicts(self) -> dict[Verdict, int]:
        """Number of images with each verdict, without those that no image has."""
        blasts, uncertain, not_cells, answered = (
            sum(getattr(one, name) for one in self.subjects)
            for name in ("blasts", "uncertain", "not_cells", "answered")
        )
        counts = {
            Verdict.BLAST: blasts,
            Verdict.NORMAL: answered - blasts,
            Verdict.UNCERTAIN: uncertain,
            Verdict.NOT_A_CELL: not_cells,
            Verdict.ERROR: self.failed,
        }
        return {verdict: number for verdict, number in counts.items() if number}

    def counts_sentence(self) -> str:
        """The number of images and of each verdict: "3 images: 2 blast, 1 error"."""
        listed = ", ".join(f"{number:,} {verdict}" for verdict, number in self.verdicts.items())
        return f"{counted(self.rows, 'image')}: {listed}" if listed else "no images"

    @property
    def exit_code(self) -> int:
        """3 if any image failed, else 0."""
        return 3 if self.failed else 0


def as_row(prediction: Prediction, model: str) -> dict[str, Any]:
    """Convert a prediction to a row of the result table; `model` is the card's name.

    The subject is that of the user's table, else that of an official file name.
    """
    parsed = parse_name(Path(prediction.name).name) if prediction.name else None
    return {
        "path": printable(prediction.name),
        "subject": printable(prediction.subject) or (parsed.subject if parsed else ""),
        "p_all": prediction.p_all,
        "verdict": str(prediction.verdict),
        "logit": prediction.logit,
        "flags": " | ".join(prediction.flags),
        "reason": printable(prediction.reason),
        "model": model,
    }


def summary_row(prediction: Prediction, model: str) -> dict[str, Any]:
    """The row with its entry `PIXELS`, which `summarize` needs and no table of results has."""
    return {**as_row(prediction, model), PIXELS: prediction.pixels[:PIXEL_DIGITS]}


def save(
    rows: Iterable[Row],
    path: Path | None,
    fields: Sequence[str] = FIELDS,
    subjects: SubjectModel | None = None,
) -> Outcome:
    """Write rows to a table as they come, and summarize them.

    Args:
        rows: From `summary_row` or `as_row`.
        path: .csv, .jsonl or .parquet; None for CSV on standard output.
        fields: The columns.
        subjects: The model of subjects, from the card.
    """
    with TableWriter(path, fields, numbers=NUMBERS) as table:
        return summarize(_through(table, rows), subjects)


def summarize(rows: Iterable[Row], subjects: SubjectModel | None = None) -> Outcome:
    """Count rows per subject; subjects in natural order, images without one last.

    Args:
        rows: From `summary_row`, or from `as_row`, in which copies are not known.
        subjects: The model of subjects; without one there are no answers for subjects.
    """
    logits, seen, beyond = SubjectLogits(), 0, 0

    def groups() -> Iterator[tuple[str, str, int]]:
        nonlocal seen, beyond
        for row in rows:
            subject = str(row["subject"])
            if subjects is not None:
                logits.add(subject, row["verdict"], row["logit"], row.get(PIXELS, ""))
            flags = row.get("flags", "")
            flags = flags.split(" | ") if isinstance(flags, str) else flags
            seen += Flag.SEEN_IN_TRAINING in flags
            beyond += Flag.BEYOND_CROP in flags
            yield subject, row["verdict"], 1

    outcome = replace(tally(groups()), seen_in_training=seen, beyond_crop=beyond)
    return with_answers(replace(outcome, copies=logits.copies), logits.answers(subjects))


def with_answers(outcome: Outcome, answers: Mapping[str, SubjectAnswer]) -> Outcome:
    """Add the answers for subjects to their summaries."""
    found = [replace(one, answer=answers.get(one.subject)) for one in outcome.subjects]
    return replace(outcome, subjects=tuple(found))


def tally(groups: Iterable[tuple[str, str, int]]) -> Outcome:
    """Summarize rows that are counted already.

    Args:
        groups: Subject, verdict, and the number of rows that have both; a pair may come more than
            once.
    """
    counts: dict[str, list[int]] = {}  # cells, blasts, answered, uncertain, not cells
    total = failed = 0
    for subject, verdict, rows in groups:
        count = counts.setdefault(subject, [0, 0, 0, 0, 0])
        count[0] += rows
        count[1] += rows * (verdict == Verdict.BLAST)
        count[2] += rows * (verdict in ANSWERS)
        count[3] += rows * (verdict == Verdict.UNCERTAIN)
        count[4] += rows * (verdict == Verdict.NOT_A_CELL)
        total += rows
        failed += rows * (verdict == Verdict.ERROR)
    order = sorted(counts, key=lambda subject: (not subject, natural_key(subject)))
    return Outcome(total, failed, tuple(_subject(name, *counts[name]) for name in order))


def in_file(row: Row) -> Row:
    """The row as a file holds it: with an absolute path, so that it can be read from anywhere."""
    return {**row, "path": os.path.abspath(row["path"])} if row.get("path") else row


def _through(table: TableWriter, rows: Iterable[Row]) -> Iterator[Row]:
    for row in rows:
        table.write({name: value for name, value in row.items() if name != PIXELS})
        yield row


def _subject(
    name: str, cells: int, blasts: int, answered: int, uncertain: int, not_cells: int
) -> SubjectSummary:
    fraction = low = high = None
    if answered:
        fraction = blasts / answered
        low, high = wilson_interval(blasts, answered)
    return SubjectSummary(
        name, cells, blasts, fraction, low, high, cells - answered, uncertain, not_cells
    )


def printable(text: str) -> str:
    """A file name that isn't valid text in the file system's encoding, made writable."""
    return text.encode("utf-8", "backslashreplace").decode()
