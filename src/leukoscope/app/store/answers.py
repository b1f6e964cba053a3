"""The answers for the subjects of cases, from the stored logits of their cells."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from threading import Lock

from sqlalchemy import Connection

from leukoscope.app.schemas import CaseHead, SubjectAnswer, SubjectSummary
from leukoscope.app.store import reading
from leukoscope.inference.subject import answer as answering
from leukoscope.inference.subject.model import SubjectModel
from leukoscope.inference.summary import answer_sentence

HELD = 1000
"""Cases whose answers are kept, so that a list of cases does not compute them each time."""

_Key = tuple[str, datetime, tuple[tuple[str, int], ...]]
_Answers = dict[str, answering.SubjectAnswer]


class CaseAnswers:
    """Adds the answers for subjects to cases of the served model files; safe in several threads.

    Args:
        models: The model of subjects of each served model file, by its sha256; None for no answers.
    """

    def __init__(self, models: Mapping[str, SubjectModel | None]) -> None:
        self._models = {sha256: model for sha256, model in models.items() if model is not None}
        self._held: OrderedDict[_Key, _Answers] = OrderedDict()
        self._lock = Lock()

    def add(self, connection: Connection, heads: Sequence[CaseHead]) -> list[CaseHead]:
        """The cases with the answers for their subjects; those of other model files as they are."""
        found = self._known(connection, [h for h in heads if h.model_sha256 in self._models])
        return [_answered(head, found[head.id]) if head.id in found else head for head in heads]

    def _known(self, connection: Connection, heads: Sequence[CaseHead]) -> dict[str, _Answers]:
        keys = {head.id: _key(head) for head in heads}
        with self._lock:
            found = {case: self._held[key] for case, key in keys.items() if key in self._held}
        model = {head.id: self._models[head.model_sha256] for head in heads}
        new = {
            case: logits.answers(model[case])
            for case, logits in reading.logits(connection, [*keys.keys() - found.keys()]).items()
        }
        with self._lock:
            self._held.update({keys[case]: answers for case, answers in new.items()})
            while len(self._held) > HELD:
                self._held.popitem(last=False)
        return found | new


def _key(head: CaseHead) -> _Key:
    """Changes with every change of the case, also where a clock has long ticks."""
    return head.id, head.updated, tuple((one.subject, one.cells) for one in head.subjects)


def _answered(head: CaseHead, answers: _Answers) -> CaseHead:
    subjects = [_with_answer(one, answers.get(one.subject)) for one in head.subjects]
    return head.model_copy(update={"subjects": subjects})


def _with_answer(summary: SubjectSummary, answer: answering.SubjectAnswer | None) -> SubjectSummary:
    if answer is None:
        return summary
    sentence = answer_sentence(summary.subject, answer)
    schema = SubjectAnswer(**asdict(answer))
    return summary.model_copy(update={"answer": schema, "answer_sentence": sentence})
