"""Time the audit on real images, and measure recall and false links on simulated copies.

Run from the repository root: python -m benchmarks.audit [DIR] [--cells 2000]
"""

import argparse
import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.simulated_copies import COPIES, MakeCopy
from leukoscope.data.audit.audit import audit
from leukoscope.data.audit.fingerprint import Fingerprint, fingerprint
from leukoscope.data.audit.matching import find_matches
from leukoscope.data.audit.result import AuditResult
from leukoscope.data.cohort import Cohort
from leukoscope.data.imaging.image import decode
from leukoscope.data.readers.layout import read_cohort

DEFAULT = os.environ.get("LEUKOSCOPE_CNMC", str(Path.home() / ".cache" / "leukoscope" / "cnmc"))


def main() -> None:
    """Print two tables: the real images, and a row per kind of simulated copy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", nargs="?", default=DEFAULT)
    parser.add_argument("--cells", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    cohort = read_cohort(options.directory)
    start, work = time.perf_counter(), time.process_time()
    result = audit(cohort)
    report_real(result, time.perf_counter() - start, time.process_time() - work)
    distinct = one_per_cell(result, options.cells, options.seed)
    report_copies(distinct, options.seed)


def report_real(result: AuditResult, seconds: float, processor: float) -> None:
    """Print time, pairs, persons, and the pairs that should not occur: two labels, or turned."""
    kinds = Counter(result.pairs["kind"])
    turned = int(np.sum(result.pairs["turn"] != "0"))
    print(f"images                  {len(result.cohort)}")
    print(f"seconds                 {seconds:.1f}")
    print(f"processor seconds       {processor:.1f}")
    print(f"pairs                   {dict(kinds)}")
    print(f"pairs of two labels     {int(result.label_conflicts.sum())}")
    print(f"pairs turned or flipped {turned}")
    print(f"physical cells          {len(set(result.cohort['cell']))}")
    print(f"subjects, persons       {len(result.persons)}, {len(set(result.persons.values()))}")
    for person, subjects in result.linked.items():
        print(f"  {person}: {' '.join(subjects)}")


def one_per_cell(result: AuditResult, count: int, seed: int) -> Cohort:
    """Draw images of different physical cells at random."""
    _, first = np.unique(result.cohort["cell"].astype(str), return_index=True)
    rows = np.random.default_rng(seed).permutation(first)[:count]
    return result.cohort.select(np.sort(rows))


def report_copies(cohort: Cohort, seed: int) -> None:
    """Print recall and false links for each kind of copy, among originals and copies together."""
    originals = fingerprints(cohort, None, seed)
    print(f"\n{'simulated':<12}{'found':>8}{'of':>8}{'recall %':>10}{'false links':>13}")
    for name, make_copy in COPIES.items():
        copies = fingerprints(cohort, make_copy, seed)
        known = [p for p in originals + copies if p is not None]
        owner = [row % len(cohort) for row, p in enumerate(originals + copies) if p is not None]
        pairs = [(owner[m.first], owner[m.second]) for m in find_matches(known)]
        found = len({a for a, b in pairs if a == b})
        false = sum(a != b for a, b in pairs)
        recall = 100 * found / len(cohort)
        print(f"{name:<12}{found:>8}{len(cohort):>8}{recall:>10.2f}{false:>13}", flush=True)


def fingerprints(cohort: Cohort, make_copy: MakeCopy | None, seed: int) -> list[Fingerprint | None]:
    """Compute the fingerprint of each cell, or of its simulated copy."""

    def of_row(row: int) -> Fingerprint | None:
        image = decode(cohort["path"][row])
        rng = np.random.default_rng((seed, row))
        return fingerprint(make_copy(image, rng) if make_copy else image)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(of_row, range(len(cohort))))


if __name__ == "__main__":
    main()
