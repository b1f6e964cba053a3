"""Statements on the model card's page that hold for every model, and those that depend on it."""

from collections import Counter
from collections.abc import Mapping

from leukoscope.core.wording import count as counted
from leukoscope.evaluation.metrics.below_chance import below_chance
from leukoscope.inference.model_file.origin import stated_data
from leukoscope.modelcard.facts import CardSource, is_final_fit, is_shipped

FEW = 10
"""Number of tested persons of one class below which a mean says little about the next person."""
USES = (
    "Research on single cells: comparing methods, exploring data sets, teaching.",
    "Cells of the kind it was trained on: segmented, on black, at the original pixel scale.",
    "Use by people who read its intervals and know how few persons they are based on.",
)
NON_USES = (
    "Diagnosis, screening, triage or monitoring of a person, with or without a physician.",
    "Whole fields of view; other stains, microscopes or scales; cells of other lineages.",
    "Statements about a person from cells of unknown origin, or about any group of people.",
)
ETHICS = (
    "The images are of people. A model file refers to them only by the data set's own ids and by "
    "truncated hashes of images.",
    "Age, sex, ethnicity and treatment of these people are not recorded here. So nothing is known "
    "about differences between groups, and no claim about fairness is made.",
    "A missed blast and a false alarm do different harm. The operating point weighs them by a "
    "target sensitivity; nobody has measured the harm itself.",
)
RECOMMENDATIONS = (
    "Measure it on persons of your own before you trust any metric: leukoscope evaluate "
    "MODEL.onnx --data DIR.",
    "Read the table by person, and the plot of probability against cell area, before the mean.",
    "Treat a heatmap as a hint where to look, not as a reason; docs/heatmaps.md has the results of "
    "its test.",
)


def limits(source: CardSource) -> list[str]:
    """Limits that a reader must know before trusting an answer."""
    card = source.card
    persons = sum(len(names) for names in card.training.persons.values())
    lines = [
        f"It is trained on cells of {counted(persons, 'person')} ({stated_data(card).name}). "
        "Results vary widely between persons; the interval matters more than the value.",
        "Cell size is a shortcut: a model that relies on it classifies large cells of a healthy "
        "person as blasts, and small blasts as normal.",
        "Persons are those that the audit could distinguish by their cells; two ids without a "
        "common cell count as two persons.",
    ]
    if is_final_fit(card):
        chosen = "; docs/shipped-model.md says how it was chosen" if is_shipped(card) else ""
        lines.append(
            "Its metrics are those of models of the same recipe. If the recipe itself was chosen "
            f"by such metrics, they are optimistic{chosen}."
        )
    if card.abstention is None:
        lines.append("It does not abstain: every image that is not empty gets an answer.")
    if card.out_of_distribution is None:
        lines.append("It does not detect images that are unlike its training cells.")
    if card.heatmap != "cam":
        lines.append("It has no exact heatmap; an occlusion map is an approximation.")
    for label, count in _tested(source).items():
        if count < FEW:
            lines.append(f"Number of tested persons with {label} cells: only {count}.")
    return lines


def warnings(source: CardSource) -> list[str]:
    """Warnings for the top of the page."""
    training = source.card.training
    lines = []
    if training.synthetic:
        lines.append("Trained on synthetic cells. Its metrics say nothing about real cells.")
    if training.split.leaky:
        lines.append(
            "Leaky split: one person can be in two subsets, so the metrics are too optimistic."
        )
    if remark := below_chance(source.card.results.get("auroc")):
        lines.append(remark)
    return lines


def _tested(source: CardSource) -> Mapping[str, int]:
    """Numbers of tested persons by class, if known."""
    if source.record is not None:
        return source.record.person_count
    return Counter(row.label for row in source.card.left_out)
