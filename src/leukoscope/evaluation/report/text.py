"""The summary text of an evaluation, for a reader at the microscope."""

from math import isnan

from leukoscope.core.values import Estimate
from leukoscope.core.wording import count
from leukoscope.evaluation.metrics.below_chance import below_chance
from leukoscope.evaluation.record import Evaluation, PersonRow


def percent(estimate: Estimate) -> str:
    """A fraction with its interval: "94.1 % (95 % interval 89.7 to 98.8 %)"."""
    if isnan(estimate.value):
        return "an undefined fraction"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.1%}".replace("%", " %")
    value, low, high = (100 * number for number in (estimate.value, estimate.low, estimate.high))
    return f"{value:.1f} % (95 % interval {low:.1f} to {high:.1f} %)"


def warnings(evaluation: Evaluation) -> list[str]:
    """Warnings to show before any result; empty for an evaluation of real cells without leaks."""
    protocol, out = evaluation.protocol, []
    if protocol.synthetic:
        out.append(
            "SYNTHETIC CELLS. These cells were drawn by a program. The results say nothing about "
            "real blood or marrow."
        )
    if protocol.leaky:
        out.append(
            f"LEAKY SPLIT ({protocol.split}). Cells of the same person, or even the same cell, are "
            "in training and test. The results are too good: expect less on new persons."
        )
    if evaluation.overlap:
        out.append(
            f"OVERLAP WITH TRAINING. The model was trained on {protocol.overlap.text()}. "
            "This was allowed explicitly; the results are too good."
        )
    if missed := evaluation.cells.get("without probability", 0):
        out.append(
            f"NOT PREDICTED. {count(missed, 'labeled cell')} could not be read or predicted; the "
            "results are of the others."
        )
    if remark := below_chance(evaluation.metrics["auroc"]):
        out.append(remark)
    return out


def summary(evaluation: Evaluation) -> list[str]:
    """The results in a few paragraphs."""
    parts = [
        _cells(evaluation),
        _ranking(evaluation),
        _operating_point(evaluation),
        _persons(evaluation),
        _calibration(evaluation),
    ]
    return [text for text in parts if text]


def _cells(evaluation: Evaluation) -> str:
    cells, persons, protocol = evaluation.cells, evaluation.person_count, evaluation.protocol
    unknown = cells["of unknown person"]
    unseen = "" if evaluation.leaky or unknown else ", none of whom it was trained on"
    text = (
        f"{protocol.model or 'The model'} was tested on "
        f"{count(cells['ALL'] + cells['HEM'], 'cell')}: {cells['ALL']:,} leukemic blasts "
        f"(ALL) of {count(persons['ALL'], 'person')} and {cells['HEM']:,} normal cells (HEM) of "
        f"{count(persons['HEM'], 'person')}{unseen}."
    )
    excluded = [
        f"{cells[key]:,} {key}" for key in ("unlabeled", "without probability") if cells[key]
    ]
    if unknown:
        text += (
            f" The person of {count(unknown, 'cell')} is unknown, so the model may have been "
            "trained on them."
        )
    return text + (f" Excluded: {' and '.join(excluded)}." if excluded else "")


def _ranking(evaluation: Evaluation) -> str:
    auroc = evaluation.metrics["auroc"]
    if isnan(auroc.value):
        return "Only one class is present, so the separation of the classes is undefined."
    return (
        "Of a random leukemic and a random normal cell, the leukemic one gets the higher score in "
        f"{percent(auroc)} of the cases."
    )


def _operating_point(evaluation: Evaluation) -> str:
    point, metrics = evaluation.operating_point, evaluation.metrics
    chosen_on = evaluation.protocol.chosen_on.get("operating point", "validation")
    there = f"there it found {100 * point.recall:.1f} % of them"
    if not isnan(point.specificity):
        there += f" and predicted {100 * point.specificity:.1f} % of the normal cells as normal"
    text = (
        f"A cell is predicted as ALL from a probability of {point.threshold:.3f} on. This "
        f"operating point was set on the {chosen_on} subset to find {100 * point.target_recall:g} "
        f"% of the leukemic cells; {there}."
    )
    results = [
        f"found {percent(metrics['sensitivity'])} of the leukemic cells",
        f"predicted {percent(metrics['specificity'])} of the normal cells as normal",
    ]
    defined = [
        sentence
        for sentence, key in zip(results, ("sensitivity", "specificity"), strict=True)
        if not isnan(metrics[key].value)
    ]
    text += f" Here it {' and '.join(defined)}."
    if not isnan(metrics["specificity"].value):
        false_positives = 100 * (1 - metrics["specificity"].value)
        text += f" So of 100 normal cells, about {false_positives:.0f} are predicted as leukemic."
    return text


def _persons(evaluation: Evaluation) -> str:
    sentences = []
    for label, noun in (
        ("ALL", "persons with leukemic cells"),
        ("HEM", "persons with normal cells"),
    ):
        rows = [row for row in evaluation.persons if row.label == label]
        if len(rows) > 1:
            sentences.append(f"among {noun}, from {_fraction(rows[0])} to {_fraction(rows[-1])}")
    return (
        f"Persons differ: the fraction of cells classified correctly ranges {'; '.join(sentences)}."
        if sentences
        else ""
    )


def _fraction(row: PersonRow) -> str:
    return f"{100 * row.share:.1f} % (person {row.person}, {count(row.cells, 'cell')})"


def _calibration(evaluation: Evaluation) -> str:
    off = 100 * evaluation.calibration.ece
    text = (
        f"On average, a predicted probability differs by {off:.1f} percentage points from the "
        "observed fraction."
    )
    reason = evaluation.metrics["accuracy"].reason
    return text + (f" There are no intervals: {reason}." if reason else "")


def intervals_method(evaluation: Evaluation) -> str:
    """The method of the intervals in one sentence, or the reason why there are none."""
    reason = evaluation.metrics["accuracy"].reason
    if reason:
        return f"none: {reason}"
    return (
        "95 % percentile intervals of a bootstrap over persons, stratified by label, "
        f"{evaluation.replicates:,} draws, seed {evaluation.seed}"
    )


def limits(evaluation: Evaluation) -> list[str]:
    """The limits of the results."""
    persons = evaluation.person_count
    out = [
        f"The intervals are based on {count(persons['ALL'], 'person')} with ALL and "
        f"{count(persons['HEM'], 'person')} with normal cells. With fewer than about twenty of "
        "each, bootstrap intervals tend to be too narrow.",
        "The intervals hold for persons like these, from the same laboratories, stains and "
        "cameras. Another laboratory may differ by more.",
        "Accuracy, precision, F1, average precision and net benefit depend on the fraction of ALL "
        "cells, which is that of this data set and not of any clinic.",
        "The calibration error cannot be below 0, so chance and resampling push it and its "
        "interval upwards.",
        "Labels are those of the data set. A cell is classified by its image alone, cut out and "
        "without its surroundings; a diagnosis depends on the patient, the marrow, flow cytometry "
        "and genetics.",
    ]
    if evaluation.leaky:
        out.insert(0, "The results do not hold for new persons: training and test data overlap.")
    return out
