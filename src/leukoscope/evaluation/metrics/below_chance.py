"""A remark on an AUROC that is below chance, for every place that states one."""

from leukoscope.core.values import Estimate, MetricResult

CHANCE = 0.5


def below_chance(auroc: Estimate | MetricResult | None) -> str:
    """The remark if the whole 95 % interval of an AUROC is below 0.5; otherwise ""."""
    if auroc is None or auroc.low is None or auroc.high is None or auroc.high >= CHANCE:
        return ""
    return (
        f"AUROC BELOW CHANCE. The 95 % interval ({auroc.low:.3f} to {auroc.high:.3f}) lies below "
        "0.5: normal cells get the higher scores. Are the classes 0 and 1 swapped, in these labels "
        "or in those of the training?"
    )
