"""Group images into physical cells, and subjects into persons, by the pairs of the audit."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from leukoscope.core.files import natural_key
from leukoscope.core.tables import text_column

CELL_NAME = 16  # hexadecimal digits; two of a million cells share them once in 37 million cohorts


def link_persons(
    subjects: np.ndarray,
    links: Sequence[tuple[int, int]],
    known: Mapping[int, str] | None = None,
) -> tuple[np.ndarray, dict[str, str]]:
    """Link subjects into persons by pairs of rows that show the same cell.

    A person is a set of subjects connected by pairs, directly or through others, and is named after
    the first of their ids in natural order. A cell of unknown subject takes the person of the cells
    that it is paired with, and can connect two subjects. Other cells of unknown subject stay
    without a person.

    Args:
        subjects: (N,) subject of each row, "" if unknown.
        links: Pairs of rows.
        known: Row to a further subject id of its cell, which need not be in the cohort.

    Returns:
        Person of each row ("" if unknown), and person of each subject.
    """
    known = known or {}
    present = set(subjects) - {""}
    names = sorted(present.union(known.values()), key=natural_key)
    number = {name: index for index, name in enumerate(names)}
    nodes = [number.get(subject, len(names) + row) for row, subject in enumerate(subjects)]
    edges = [(nodes[a], nodes[b]) for a, b in links]
    edges += [(nodes[row], number[name]) for row, name in known.items()]
    group = _components(len(names) + len(subjects), edges)
    person_of: dict[int, str] = {}
    for index, name in enumerate(names):  # in natural order, so the first name of a group wins
        person_of.setdefault(int(group[index]), name)
    persons = {name: person_of[int(group[number[name]])] for name in names if name in present}
    return text_column([person_of.get(int(group[node]), "") for node in nodes]), persons


def name_cells(sha256: np.ndarray, links: Sequence[tuple[int, int]]) -> np.ndarray:
    """Name each physical cell by the smallest hash of its images, shortened.

    The id does not depend on the order of the rows.

    Args:
        sha256: (N,) hashes, "" if a file could not be read; such rows get the id "".
        links: Pairs of rows that show the same cell.

    Returns:
        (N,) cell id of each row.
    """
    group = _components(len(sha256), links)
    smallest: dict[int, str] = {}
    for index, digest in zip(group, sha256, strict=True):
        smallest[int(index)] = min(smallest.get(int(index), digest), digest)
    return text_column([smallest[int(index)][:CELL_NAME] for index in group])


def _components(count: int, links: Iterable[tuple[int, int]]) -> np.ndarray:
    edges = np.array(list(links), dtype=int).reshape(-1, 2)
    graph = coo_array((np.ones(len(edges), dtype=bool), edges.T), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1])
