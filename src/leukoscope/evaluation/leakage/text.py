"""Texts of a leakage study."""

from leukoscope.core.wording import count as counted
from leukoscope.core.wording import noun
from leukoscope.evaluation.leakage.record import HONEST, ProtocolResult, Study
from leukoscope.evaluation.metrics.below_chance import below_chance
from leukoscope.evaluation.metrics.bootstrap import REPLICATES

METHOD = (
    f"95 % intervals over seeds and persons: {REPLICATES:,} draws of the seeds with replacement, "
    "and of one random weight for each tested person, the same in all runs."
)
SEEDS = (
    "With three seeds, such an interval reaches from about the lowest run to about the highest; "
    "more seeds make it narrower."
)
PLOT = (
    "Small gray dots are runs, one for each seed; large dots are their means. Below: the mean "
    "minus the mean of the split by person, the effect of the leak. " + METHOD + " " + SEEDS
)
SEEN_AND_NEW = (
    "In a split by subject id or by official fold, only some test persons have cells in training. "
    "Here, the same model is evaluated separately on the cells of those persons and of the others. "
    "They are different persons, so their results differ by more than the leak."
)
LIMITS = (
    "Each protocol has different test cells, by definition: a split by image tests cells "
    "of every person, a split by person those of the selected persons. A gap is therefore not a "
    "difference on the same cells, but the difference between the results that readers are given.",
    SEEDS + " With few healthy persons, the result of a split by person depends most on which of "
    "them are tested. The interval of a single run does not include that.",
    "A split by subject id or official fold separates most persons, and its gap can be smaller "
    "than the effect of selecting other persons. A gap near 0 does not make it safe: the "
    "persons in training and test were drawn at random.",
    "In the official split, the validation subset is taken from the other folds by person, so the "
    "epoch, temperature and operating point are chosen as carefully as in the split by person.",
)


def warnings(study: Study) -> list[str]:
    """Warnings to show before any result."""
    out = []
    if study.synthetic:
        out.append(
            "SYNTHETIC CELLS. These cells were drawn by a program. The results say nothing about "
            "real blood or marrow."
        )
    for result in study.results:
        if remark := below_chance(result.mean["auroc"]):
            out.append(f"{result.recipe}, split by {result.split}: {remark}")
    return out


def subtitle(study: Study) -> str:
    """The recipes and the number of runs."""
    recipes = dict.fromkeys(result.recipe for result in study.results)
    return f"{', '.join(recipes)} · {counted(len(study.runs), 'run')}"


def findings(study: Study) -> list[str]:
    """A sentence for each leaky protocol of each recipe, and for missing runs."""
    sentences = []
    for result in study.results:
        if result.split == HONEST:
            continue
        text = f"{result.recipe}, split by {result.split}: AUROC {result.mean['auroc'].value:.3f}"
        if not result.gap:
            sentences.append(f"{text}; no run by person with the same seed yet.")
            continue
        gap = result.gap["auroc"]
        includes_0 = gap.low is not None and gap.high is not None and gap.low <= 0 <= gap.high
        seeds = (
            f"{'seed' if len(result.common) == 1 else 'seeds'} {', '.join(map(str, result.common))}"
        )
        sentences.append(
            f"{text}; the gap to the split by person is {gap.signed()}, over {seeds}"
            f"{'; the interval includes 0' if includes_0 else ''}."
        )
    return sentences


def fairness(study: Study) -> list[str]:
    """The settings that all runs share."""
    sizes = []
    for recipe in dict.fromkeys(run.recipe for run in study.runs):
        runs = [run for run in study.runs if run.recipe == recipe]
        cells = sorted({run.parts["train"].cells for run in runs})
        epochs = sorted({run.epochs for run in runs})
        trained = " or ".join(f"{one:,}" for one in cells)
        passes = (
            f", {' or '.join(map(str, epochs))} {noun(epochs[-1], 'epoch')} each"
            if any(epochs)
            else ""
        )
        sizes.append(f"{recipe} {trained} {noun(cells[-1], 'cell')}{passes}")
    return [
        "Within a recipe, every run has the same settings, the same number of epochs without early "
        "stopping, and the same number of training and validation cells of each class, drawn "
        f"from its subsets: {'; '.join(sizes)}. The test subset stays complete.",
        "The best epoch, the temperature and the operating point are chosen on the validation "
        "subset of the same protocol, as is usual for that protocol.",
    ]


def protocol(result: ProtocolResult) -> str:
    """The name of the split, marked if it is leaky."""
    return result.split if result.split == HONEST else f"{result.split} (leaky)"
