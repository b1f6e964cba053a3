"""Any sequence of what people do, against a model of a case in plain Python."""

from dataclasses import dataclass, field
from functools import cache

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from leukoscope.app.schemas import CaseChange, CellChange, Review
from leukoscope.app.store import ConflictError, Store
from leukoscope.core.values import ConformalThresholds
from leukoscope.inference.summary import summarize
from leukoscope.inference.verdict import predicted_class
from tests.app.store.made import THRESHOLD, answer, new_case, open_store
from tests.app.store.made import add as add_to

pytestmark = pytest.mark.slow(4)

FILES = st.integers(0, 9)
PROBABILITIES = st.one_of(st.none(), st.sampled_from([0.0, 0.39, 0.4, 0.7, 1.0]))
SUBJECTS = st.sampled_from(["", "7", "10", "H2"])
LABELS = st.sampled_from(["ALL", "HEM", "not a cell"])


# Overlapping, apart, and beside the model's threshold; None never abstains.
POSSIBLE = [
    None,
    ConformalThresholds(0.39, 0.7),
    ConformalThresholds(0.7, 0.39),
    ConformalThresholds(0.8, 0.9),
]


def said(p_all: float | None, possible: ConformalThresholds | None) -> dict[str, object]:
    """The model's own verdict."""
    return {} if p_all is None else vars(predicted_class(p_all, THRESHOLD, possible))


@dataclass
class CellModel:
    id: int
    p_all: float | None
    subject: str
    has_image: bool


@dataclass
class CaseModel:
    keep_images: bool
    possible: ConformalThresholds | None = None
    threshold: float | None = None
    cells: dict[int, CellModel] = field(default_factory=dict)  # by file
    reviews: list[tuple[int, str]] = field(default_factory=list)  # that stand: cell, label

    def verdict(self, cell: CellModel) -> str:
        if cell.p_all is None:
            return "error"
        threshold = THRESHOLD if self.threshold is None else self.threshold
        return str(predicted_class(cell.p_all, threshold, self.possible).verdict)

    def by_id(self, number: int) -> CellModel:
        """A cell chosen by any number."""
        return list(self.cells.values())[number % len(self.cells)]


@cache
def shared_store() -> Store:
    """One for all runs, each of which leaves it empty."""
    return open_store("sqlite://")


class Cases(RuleBasedStateMachine):
    """The store beside the model; after each step they must agree."""

    cases = Bundle("cases")

    def __init__(self) -> None:
        super().__init__()
        self.store = shared_store()
        self.models: dict[str, CaseModel] = {}

    def teardown(self) -> None:
        for head in self.store.heads():
            self.store.delete(head.id)

    @rule(target=cases, keep_images=st.booleans(), possible=st.sampled_from(POSSIBLE))
    def create(self, keep_images: bool, possible: ConformalThresholds | None) -> str:
        case = new_case(self.store, keep_images=keep_images, possible=possible)
        self.models[case] = CaseModel(keep_images, possible)
        return case

    @rule(case=cases, files=st.lists(st.tuples(FILES, PROBABILITIES, SUBJECTS), max_size=5))
    def add(self, case: str, files: list[tuple[int, float | None, str]]) -> None:
        model = self.models[case]
        answers = [
            answer(file, p_all, subject=subject, **said(p_all, model.possible))
            for file, p_all, subject in files
        ]
        ids = add_to(self.store, case, *answers, data=b"bytes")
        for cell_id, (file, p_all, subject) in zip(ids, files, strict=True):
            kept = model.keep_images and p_all is not None
            known = model.cells.setdefault(file, CellModel(cell_id, p_all, subject, kept))
            assert known.id == cell_id

    @rule(case=cases, number=st.integers(0), label=LABELS)
    def review(self, case: str, number: int, label: str) -> None:
        model = self.models[case]
        if model.cells:
            cell = model.by_id(number)
            if cell.p_all is None:  # a file that could not be read
                with pytest.raises(ConflictError):
                    self.store.review(case, cell.id, Review(label=label))
                return
            found = self.store.review(case, cell.id, Review(label=label))
            assert found.review is not None
            assert (found.id, found.review.label) == (cell.id, label)
            model.reviews.append((cell.id, label))

    @rule(case=cases)
    def undo(self, case: str) -> None:
        model = self.models[case]
        if model.reviews:
            cell, _ = model.reviews.pop()
            assert self.store.undo(case).id == cell
        else:
            try:
                self.store.undo(case)
            except ConflictError:
                return
            raise AssertionError("took back a review that is not there")

    @rule(case=cases, numbers=st.lists(st.integers(0), min_size=1, max_size=4), subject=SUBJECTS)
    def move(self, case: str, numbers: list[int], subject: str) -> None:
        model = self.models[case]
        if model.cells:
            cells = [model.by_id(number) for number in numbers]
            self.store.move(case, CellChange(cells=[cell.id for cell in cells], subject=subject))
            for cell in cells:
                cell.subject = subject

    @rule(case=cases, threshold=PROBABILITIES)
    def set_threshold(self, case: str, threshold: float | None) -> None:
        self.models[case].threshold = threshold
        self.store.change(case, CaseChange(threshold=threshold))

    @rule(case=cases, number=st.integers(0))
    def remove(self, case: str, number: int) -> None:
        model = self.models[case]
        if model.cells:
            gone = model.by_id(number)
            self.store.remove(case, gone.id)
            model.cells = {file: cell for file, cell in model.cells.items() if cell is not gone}
            model.reviews = [one for one in model.reviews if one[0] != gone.id]

    @rule(case=consumes(cases))
    def delete(self, case: str) -> None:
        self.store.delete(case)
        del self.models[case]

    @invariant()
    def agree(self) -> None:
        heads = {head.id: head for head in self.store.heads()}
        assert heads.keys() == self.models.keys()
        for case_id, model in self.models.items():
            case = self.store.case(case_id)
            labels = dict(model.reviews)
            assert [
                (cell.id, cell.p_all, cell.subject, cell.verdict, cell.has_image)
                for cell in case.cells
            ] == [
                (cell.id, cell.p_all, cell.subject, model.verdict(cell), cell.has_image)
                for cell in model.cells.values()
            ]
            assert [cell.review.label if cell.review else None for cell in case.cells] == [
                labels.get(cell.id) for cell in model.cells.values()
            ]
            head = heads[case_id]
            assert (head.reviewed, head.can_undo) == (len(labels), bool(labels))
            assert head.own_threshold == (model.threshold is not None)
            rows = [
                {"subject": cell.subject, "verdict": model.verdict(cell)}
                for cell in model.cells.values()
            ]
            told = [one.sentence() for one in summarize(rows).subjects]
            assert [one.sentence for one in head.subjects] == told
            assert sum(head.verdicts.values()) == len(rows)


TestCases = Cases.TestCase
TestCases.settings = settings(
    max_examples=settings().max_examples // 4, stateful_step_count=20, deadline=None
)
