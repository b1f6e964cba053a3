"""How many real cells are turned away for their looks, by limits of the same and of other persons?

Measures every cell, sets limits on all of them, and on four fifths of the persons at a time to
judge the rest by. Prints the limits and both shares.

    python benchmarks/looks.py audit/cohort.csv [--repeats 3]
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
from leukoscope.inference.rejection.image_checks import fit_ranges, image_quality, quality_flags

FOLDS = 5


def said(name: str, seen: Sequence[Mapping[str, float]], odd: Sequence[tuple[str, ...]]) -> None:
    """Print how many are odd, and why."""
    why = Counter(flag for flags in odd for flag in flags)
    words = ", ".join(f"{flag} {count}" for flag, count in why.most_common())
    away = sum(bool(flags) for flags in odd)
    share = f"{away / len(seen):.2%}".replace("%", " %")
    print(f"{name}: {away} of {len(seen)} cells ({share}): {words}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("cohort", type=Path, help="cohort.csv that `leukoscope data audit` wrote")
    parser.add_argument("--repeats", type=int, default=3, help="of the five folds of persons")
    options = parser.parse_args()

    cohort = read_cohort_table(options.cohort)
    person = cohort["person"]
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda path: image_quality(decode(path)), cohort.paths)
        seen = list(track(found, "Looking", total=len(cohort)))
    known = fit_ranges(seen)
    print("| measure | low | high |\n|---|--:|--:|")
    for name, one in known.items():
        print(f"| {name} | {one.low:.3f} | {one.high:.3f} |")
    print()
    said("limits of all cells", seen, [quality_flags(one, known) for one in seen])
    tested: list[Mapping[str, float]] = []
    odd: list[tuple[str, ...]] = []
    for repeat in range(options.repeats):
        names = np.random.default_rng(repeat).permutation(np.unique(person.astype(str)))
        for fold in range(FOLDS):
            out = np.isin(person.astype(str), names[fold::FOLDS])
            others = fit_ranges([seen[row] for row in np.flatnonzero(~out)])
            left_out = [seen[row] for row in np.flatnonzero(out)]
            tested += left_out
            odd += [quality_flags(one, others) for one in left_out]
    said(f"limits of other persons, {options.repeats} times", tested, odd)


if __name__ == "__main__":
    main()
