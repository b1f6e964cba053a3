"""What a leakage study says, in plain words."""

from leukoscope.evaluation.leakage.record import HONEST, ProtocolResult, Study
from leukoscope.evaluation.metrics.bootstrap import REPLICATES

METHOD = (
    f"95 % intervals over seeds and persons: {REPLICATES:,} draws of the seeds with replacement, "
    "and of one random weight for each tested person, the same in all runs."
)
SEEDS = (
    "With three seeds such an interval reaches from about the lowest run to about the highest; "
    "more seeds make it narrower."
)
PLOT = (
    "Small gray dots are runs, one for each seed, the large ones their mean. Below, the mean less "
    "the one of the split by person: what the leak adds. " + METHOD + " " + SEEDS
)
APART = (
    "In a split by subject id or by official fold only some test persons have cells on the other "
    "side. The same model is measured here on both kinds of test cells apart. They are different "
    "persons, so their figures differ by more than the leak."
)
LIMITS = (
    "Each protocol has test cells of its own, for that is what makes it a protocol: an image split "
    "tests cells of every person, a split by person those of the persons drawn. A gap is "
    "therefore not the same cells twice, but what a reader of either figure would be told.",
    SEEDS + " With few healthy persons the figure of a split by person depends most on which of "
    "them are tested. A single run's interval knows nothing of that.",
    "A split by subject id or official fold keeps most persons apart, and its gap can be smaller "
    "than what the draw of persons does. A gap near 0 there does not make it safe: which persons "
    "stand on both sides is chance.",
    "In the official split the validation part is taken from the other folds by person, so epoch, "
    "temperature and operating point are chosen as carefully as in the split by person.",
)


def warnings(study: Study) -> list[str]:
    """What must be known before any figure."""
    if not study.synthetic:
        return []
    return [
        "SYNTHETIC CELLS. These cells were drawn by a program. The figures say nothing about real "
        "blood or marrow."
    ]


def subtitle(study: Study) -> str:
    """Recipes and seeds."""
    recipes = dict.fromkeys(level.recipe for level in study.levels)
    return f"{', '.join(recipes)} · {len(study.runs)} runs"


def findings(study: Study) -> list[str]:
    """A sentence for each leaky protocol of each recipe, and for what is not there yet."""
    found = []
    for level in study.levels:
        if level.split == HONEST:
            continue
        text = f"{level.recipe}, split by {level.split}: AUROC {level.mean['auroc'].value:.3f}"
        if not level.gap:
            found.append(f"{text}; no run by person with the same seed yet.")
            continue
        gap = level.gap["auroc"]
        holds_0 = gap.low is not None and gap.high is not None and gap.low <= 0 <= gap.high
        seeds = f"seed{'s' * (len(level.common) > 1)} {', '.join(map(str, level.common))}"
        found.append(
            f"{text}; the gap to the split by person is {gap.signed()}, over {seeds}"
            f"{'; the interval holds 0' if holds_0 else ''}."
        )
    return found


def fairness(study: Study) -> list[str]:
    """What was held equal."""
    sizes = []
    for recipe in dict.fromkeys(run.recipe for run in study.runs):
        runs = [run for run in study.runs if run.recipe == recipe]
        cells = sorted({run.parts["train"].cells for run in runs})
        epochs = sorted({run.epochs for run in runs})
        trained = " or ".join(f"{one:,}" for one in cells)
        passes = f", {' or '.join(map(str, epochs))} epochs each" if any(epochs) else ""
        sizes.append(f"{recipe} {trained} cells{passes}")
    return [
        "Within a recipe every run has the same settings, the same number of epochs, without "
        "stopping early, and the same number of training and validation cells of each class, drawn "
        f"from its parts: {'; '.join(sizes)}. The test part stays whole.",
        "The epoch that is kept, the temperature and the operating point are chosen on the "
        "validation part of the same protocol, as its users would.",
    ]


def protocol(level: ProtocolResult) -> str:
    """Its name, marked where it is not the honest one."""
    return level.split if level.split == HONEST else f"{level.split} (leaky)"
