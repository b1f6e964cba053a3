"""What an evaluation says, in the words of a reader at the microscope."""

from math import isnan

from leukoscope.core.values import Estimate
from leukoscope.evaluation.record import Evaluation, PersonRow


def percent(figure: Estimate) -> str:
    """A share with its interval: "94.1 % (95 % interval 89.7 to 98.8 %)"."""
    if isnan(figure.value):
        return "a share that is not defined"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.1%}".replace("%", " %")
    value, low, high = (100 * number for number in (figure.value, figure.low, figure.high))
    return f"{value:.1f} % (95 % interval {low:.1f} to {high:.1f} %)"


def count(number: int, noun: str) -> str:
    """A number with its noun: "1 person", "2,989 cells"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def warnings(evaluation: Evaluation) -> list[str]:
    """What a reader must know before any figure; empty for an honest evaluation of real cells."""
    protocol, out = evaluation.protocol, []
    if protocol.synthetic:
        out.append(
            "SYNTHETIC CELLS. These cells were drawn by a program. The figures say nothing about "
            "real blood or marrow."
        )
    if protocol.leaky:
        out.append(
            f"LEAKY SPLIT ({protocol.split}). Cells of the same person, or even the same cell, "
            "stand in training and test. "
            "The figures flatter the model: expect less on new persons."
        )
    if evaluation.overlap:
        persons, images = protocol.overlap.persons, protocol.overlap.hashes
        named = f" ({', '.join(persons)})" if persons else ""
        out.append(
            f"OVERLAP WITH TRAINING. {count(len(persons), 'evaluated person')}{named} and "
            f"{count(images, 'evaluated image')} were "
            "also trained on. This was allowed explicitly; the figures flatter the model."
        )
    return out


def summary(evaluation: Evaluation) -> list[str]:
    """The answer in a few paragraphs of plain words."""
    parts = [
        _who(evaluation),
        _ranking(evaluation),
        _calls(evaluation),
        _spread(evaluation),
        _trust(evaluation),
    ]
    return [text for text in parts if text]


def _who(evaluation: Evaluation) -> str:
    cells, persons, protocol = evaluation.cells, evaluation.person_count, evaluation.protocol
    unknown = cells["of unknown person"]
    unseen = "" if evaluation.leaky or unknown else ", none of whom it was trained on"
    text = (
        f"{protocol.model or 'The model'} was tested on "
        f"{count(cells['ALL'] + cells['HEM'], 'cell')}: {cells['ALL']:,} leukemic blasts "
        f"(ALL) of {count(persons['ALL'], 'person')} and {cells['HEM']:,} normal cells (HEM) of "
        f"{count(persons['HEM'], 'person')}{unseen}."
    )
    left_out = [
        f"{cells[key]:,} {key}" for key in ("unlabeled", "without probability") if cells[key]
    ]
    if unknown:
        text += (
            f" The person of {count(unknown, 'cell')} is not known, so nobody can tell whether the "
            "model was trained on them."
        )
    return text + (f" Left out: {' and '.join(left_out)}." if left_out else "")


def _ranking(evaluation: Evaluation) -> str:
    auroc = evaluation.metrics["auroc"]
    if isnan(auroc.value):
        return "Only one class is present, so how well the classes are told apart is not defined."
    return (
        "Of a leukemic and a normal cell picked at random, the leukemic one gets the higher score "
        "in "
        f"{percent(auroc)} of the cases."
    )


def _calls(evaluation: Evaluation) -> str:
    point, metrics = evaluation.operating_point, evaluation.metrics
    chosen_on = evaluation.protocol.chosen_on.get("operating point", "validation")
    there = f"there it found {100 * point.recall:.1f} % of them"
    if not isnan(point.specificity):
        there += f" and called {100 * point.specificity:.1f} % of the normal cells normal"
    text = (
        f"A cell is called ALL from a probability of {point.threshold:.3f} on. This operating "
        f"point was set on the {chosen_on} part so as "
        f"to find {100 * point.target_recall:g} % of the leukemic cells; {there}."
    )
    found = [
        f"found {percent(metrics['sensitivity'])} of the leukemic cells",
        f"called {percent(metrics['specificity'])} of the normal cells normal",
    ]
    defined = [
        words
        for words, key in zip(found, ("sensitivity", "specificity"), strict=True)
        if not isnan(metrics[key].value)
    ]
    text += f" Here it {' and '.join(defined)}."
    if not isnan(metrics["specificity"].value):
        false_calls = 100 * (1 - metrics["specificity"].value)
        text += f" So of 100 normal cells about {false_calls:.0f} are called leukemic."
    return text


def _spread(evaluation: Evaluation) -> str:
    sentences = []
    for label, noun in (
        ("ALL", "persons with leukemic cells"),
        ("HEM", "persons with normal cells"),
    ):
        rows = [row for row in evaluation.persons if row.label == label]
        if len(rows) > 1:
            sentences.append(f"among {noun}, from {_share(rows[0])} to {_share(rows[-1])}")
    return (
        f"Persons differ. The share of cells called rightly goes, {'; '.join(sentences)}."
        if sentences
        else ""
    )


def _share(row: PersonRow) -> str:
    return f"{100 * row.share:.1f} % (person {row.person}, {count(row.cells, 'cell')})"


def _trust(evaluation: Evaluation) -> str:
    off = 100 * evaluation.calibration.ece
    text = f"On average a stated probability is {off:.1f} percentage points off what was observed."
    reason = evaluation.metrics["accuracy"].reason
    return text + (f" There are no intervals: {reason}." if reason else "")


def intervals_method(evaluation: Evaluation) -> str:
    """How the intervals were made, in one sentence, or why there are none."""
    reason = evaluation.metrics["accuracy"].reason
    if reason:
        return f"none: {reason}"
    return (
        "95 % percentile intervals of a bootstrap over persons, stratified by label, "
        f"{evaluation.replicates:,} draws, seed {evaluation.seed}"
    )


def limits(evaluation: Evaluation) -> list[str]:
    """What the figures do not say."""
    persons = evaluation.person_count
    out = [
        f"The intervals rest on {count(persons['ALL'], 'person')} with ALL and "
        f"{count(persons['HEM'], 'person')} with normal cells. With "
        "fewer than about twenty of each, bootstrap intervals tend to be too narrow.",
        "The intervals hold for persons like these, from the same laboratories, stains and "
        "cameras. Another laboratory may differ by more.",
        "Accuracy, precision, F1, average precision and net benefit depend on the share of ALL "
        "cells, which here is that of the data "
        "set and not of any clinic.",
        "The calibration error cannot fall below 0, so chance and resampling push it and its "
        "interval upwards.",
        "Labels are taken as the data set gives them. A cell is judged by its picture alone, cut "
        "out and on its own; a "
        "diagnosis rests on the patient, the marrow, flow cytometry and genetics.",
    ]
    if evaluation.leaky:
        out.insert(0, "The figures do not hold for new persons: training and test are not apart.")
    return out
