"""Results of a model as sentences with sources, from its run's report or from its card alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from leukoscope.core.statistics import wilson_interval
from leukoscope.core.wording import count as counted
from leukoscope.evaluation.metrics.metrics import UNTEMPERED
from leukoscope.evaluation.record import Evaluation, PersonRow
from leukoscope.inference.model_file.card import Card
from leukoscope.inference.model_file.out_of_fold import OutOfFoldResult, worst_person, worst_text

REPORT = "report.json"


@dataclass(frozen=True)
class Fact:
    """A sentence and its source."""

    text: str
    source: str


def person_fraction(row: PersonRow) -> str:
    """Fraction of a person's cells classified correctly, with its Wilson interval."""
    return f"{row.share:.3f} ({row.low:.3f} to {row.high:.3f})"


def of_record(record: Evaluation) -> dict[str, Fact]:
    """Facts from the report of a run about its test persons, by name."""
    all_, hem = record.person_count.get("ALL", 0), record.person_count.get("HEM", 0)
    worst = min(record.persons, key=lambda row: row.share)
    confusion = record.confusion
    parts = "; ".join(
        f"{part}: {counted(len(names), 'person')}, "
        f"{counted(record.protocol.cells.get(part, 0), 'cell')}"
        for part, names in record.protocol.persons.items()
    )
    known = {
        "parts": Fact(f"Parts: {parts}", f"{REPORT}: protocol"),
        "tested": Fact(
            f"Tested on {counted(all_, 'person')} with ALL and {counted(hem, 'healthy person')}: "
            f"{record.cells['ALL']:,} and {counted(record.cells['HEM'], 'cell')}",
            f"{REPORT}: person_count, cells",
        ),
        "confusion": Fact(
            f"At the operating point {confusion.true_all:,} of "
            f"{confusion.true_all + confusion.missed_all:,} ALL cells and "
            f"{confusion.true_hem:,} of {confusion.true_hem + confusion.false_all:,} HEM cells "
            "are classified correctly",
            f"{REPORT}: confusion",
        ),
        "persons": Fact(
            f"Classified correctly by person: from {worst.share:.3f} (person {worst.person}, "
            f"{worst.label}) to {max(row.share for row in record.persons):.3f}",
            f"{REPORT}: persons",
        ),
        "calibration": Fact(
            f"Expected calibration error {record.calibration.ece:.3f} on test persons",
            f"{REPORT}: calibration",
        ),
        "bootstrap": Fact(
            f"95 % intervals from {record.replicates} bootstrap draws of persons",
            f"{REPORT}: replicates",
        ),
    }
    selection = record.selection
    if selection is not None:
        known["answered"] = Fact(
            f"Fraction answered {selection.answered}; incorrect among the answered "
            f"{selection.error_answered}, without abstention {selection.error_all}",
            f"{REPORT}: selection",
        )
    return known


def of_out_of_fold(card: Card) -> dict[str, Fact]:
    """Facts from the card of a model fitted on all persons about its cross-validation, by name."""
    rows, results = card.left_out, card.results
    worst = worst_person(rows)
    best = max(rows, key=lambda row: row.right / row.cells)
    source = "card: left_out"
    last = "fitted on" if card.adaptation is None else "adapted to"
    known = {
        "parts": Fact(
            f"Parts: none; each of {counted(len(rows), 'person')} was left out once, and the "
            f"model is {last} "
            "all",
            source,
        ),
        "tested": Fact(
            f"Measured on {counted(_persons(rows, 'ALL'), 'person')} with ALL and "
            f"{counted(_persons(rows, 'HEM'), 'healthy person')}, left out in turn: "
            f"{_cells(rows, 'ALL'):,} and {counted(_cells(rows, 'HEM'), 'cell')}",
            source,
        ),
        "confusion": Fact(
            f"At the operating point {_right(rows, 'ALL'):,} of {_cells(rows, 'ALL'):,} ALL cells "
            "and "
            f"{_right(rows, 'HEM'):,} of {_cells(rows, 'HEM'):,} HEM cells are classified "
            "correctly",
            source,
        ),
        "persons": Fact(
            f"Classified correctly by person: from {worst.right / worst.cells:.3f} to "
            f"{best.right / best.cells:.3f}. The worst: {worst_text(worst)}",
            source,
        ),
    }
    known["bootstrap"] = Fact("95 % intervals by bootstrap over whole persons", "card: results")
    if {"ece", UNTEMPERED.key} <= set(results):
        known["calibration"] = Fact(
            f"Expected calibration error on persons left out {results['ece']}, without "
            f"the temperature {results[UNTEMPERED.key]}",
            "card: results",
        )
    if {"answered", "error_answered", "error_all", "aurc"} <= set(results):
        known["answered"] = Fact(
            f"Fraction answered {results['answered']}; incorrect among the answered "
            f"{results['error_answered']}, without abstention "
            f"{results['error_all']}; area under the risk-coverage curve "
            f"{results['aurc']}; all persons have the same weight",
            "card: results",
        )
    return known


def out_of_fold_fraction(row: OutOfFoldResult) -> str:
    """Fraction of a person's cells classified correctly, with its Wilson interval."""
    low, high = wilson_interval(row.right, row.cells)
    return f"{row.right / row.cells:.3f} ({low:.3f} to {high:.3f})"


def _persons(rows: Sequence[OutOfFoldResult], label: str) -> int:
    return sum(row.label == label for row in rows)


def _cells(rows: Sequence[OutOfFoldResult], label: str) -> int:
    return sum(row.cells for row in rows if row.label == label)


def _right(rows: Sequence[OutOfFoldResult], label: str) -> int:
    return sum(row.right for row in rows if row.label == label)
