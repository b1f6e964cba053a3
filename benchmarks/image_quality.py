"""Fraction of real cells rejected by image quality, with limits of the same and of other persons.

Measures every cell, sets limits on all of them, and on four fifths of the persons at a time to
judge the rest. Prints the limits and both fractions.

    python benchmarks/image_quality.py audit/cohort.csv [--repeats 3]
"""

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from leukoscope.core.progress import track
from leukoscope.data.cohort import read_cohort_table
from leukoscope.data.imaging.image import decode
from leukoscope.inference.rejection.flags import Flag
from leukoscope.inference.rejection.image_checks import fit_ranges, image_quality, quality_flags

FOLDS = 5


def report(name: str, flags: Sequence[tuple[Flag, ...]]) -> None:
    """Print how many cells are rejected, and by which flags."""
    counts = Counter(flag for of_cell in flags for flag in of_cell)
    reasons = ", ".join(f"{flag} {count}" for flag, count in counts.most_common())
    rejected = sum(bool(of_cell) for of_cell in flags)
    fraction = f"{rejected / len(flags):.2%}".replace("%", " %")
    print(f"{name}: {rejected} of {len(flags)} cells ({fraction}): {reasons}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("cohort", type=Path, help="cohort.csv of `leukoscope data audit`")
    parser.add_argument("--repeats", type=int, default=3, help="repeats of the five folds")
    options = parser.parse_args()

    cohort = read_cohort_table(options.cohort)
    person = cohort["person"].astype(str)
    with ThreadPoolExecutor(2) as pool:
        results = pool.map(lambda path: image_quality(decode(path)), cohort.paths)
        measured: list[Mapping[str, float]] = list(track(results, "Measuring", total=len(cohort)))
    ranges = fit_ranges(measured)
    print("| measure | low | high |\n|---|--:|--:|")
    for name, known in ranges.items():
        print(f"| {name} | {known.low:.3f} | {known.high:.3f} |")
    print()
    report("limits of all cells", [quality_flags(measures, ranges) for measures in measured])
    flags: list[tuple[Flag, ...]] = []
    for repeat in range(options.repeats):
        names = np.random.default_rng(repeat).permutation(np.unique(person))
        for fold in range(FOLDS):
            out = np.isin(person, names[fold::FOLDS])
            others = fit_ranges([measured[row] for row in np.flatnonzero(~out)])
            flags += [quality_flags(measured[row], others) for row in np.flatnonzero(out)]
    report(f"limits of other persons, {options.repeats} times", flags)


if __name__ == "__main__":
    main()
