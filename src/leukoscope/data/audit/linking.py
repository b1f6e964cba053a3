"""From pairs of images to physical cells, and from cells to persons."""

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from leukoscope.core.files import natural_key
from leukoscope.core.tables import text_column

CELL_NAME = 16  # hexadecimal digits; two of a million cells share them once in 37 million cohorts


def link_persons(
    subjects: np.ndarray, links: Sequence[tuple[int, int]]
) -> tuple[np.ndarray, dict[str, str]]:
    """Persons from the subjects of cells and the pairs of rows that show one cell.

    A person is all subjects joined by pairs, directly or through others, and is called by the
    naturally smallest of their ids. A cell of unknown subject takes the person of the cells it is
    paired with and may join two subjects; other cells of unknown subject are not drawn along.

    Args:
        subjects: (N,) subject of each row, "" where unknown.
        links: Pairs of rows.

    Returns:
        The person of each row ("" where unknown), and the person of each subject.
    """
    names = sorted(set(subjects) - {""}, key=natural_key)
    number = {name: index for index, name in enumerate(names)}
    nodes = [number.get(subject, len(names) + row) for row, subject in enumerate(subjects)]
    group = _components(len(names) + len(subjects), ((nodes[a], nodes[b]) for a, b in links))
    called: dict[int, str] = {}
    for index, name in enumerate(names):  # natural order: the first to name a group is the smallest
        called.setdefault(int(group[index]), name)
    persons = {name: called[int(group[index])] for index, name in enumerate(names)}
    return text_column([called.get(int(group[node]), "") for node in nodes]), persons


def name_cells(sha256: np.ndarray, links: Sequence[tuple[int, int]]) -> np.ndarray:
    """An id per physical cell: the smallest hash among its images, shortened.

    So named, a cell keeps its id when rows change places.

    Args:
        sha256: (N,) hashes, "" where a file could not be read; those get the id "".
        links: Pairs of rows that show one cell.
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
