"""Summarize predictions: counts of all images, and a summary of each subject."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from leukoscope.core.files import natural_key
from leukoscope.core.statistics import wilson_interval
from leukoscope.core.tables import TableWriter
from leukoscope.core.verdicts import ANSWERS, Verdict
from leukoscope.core.wording import count as counted
from leukoscope.data.imaging.scale import CNMC_UM_PER_PX
from leukoscope.inference.rejection.flags import Flag
from leukoscope.inference.results import FIELDS, NUMBERS, Row
from leukoscope.inference.subject.answer import SubjectAnswer
from leukoscope.inference.subject.copies import PIXELS
from leukoscope.inference.subject.model import SubjectModel
from leukoscope.inference.subject.rows import SubjectLogits


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
        other_scale: Images of a known scale that is not that of the model among these.
        expected_um_per_px: The scale of the model.
        color_profiles: Images with a color profile that is not applied, among those looked at.
    """

    rows: int
    failed: int
    subjects: tuple[SubjectSummary, ...]
    seen_in_training: int = 0
    beyond_crop: int = 0
    copies: int = 0
    unknown_scale: int | None = field(default=None, compare=False)
    scale_looked_at: int = field(default=0, compare=False)
    other_scale: int = field(default=0, compare=False)
    expected_um_per_px: float = field(default=CNMC_UM_PER_PX, compare=False)
    color_profiles: int = field(default=0, compare=False)

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
