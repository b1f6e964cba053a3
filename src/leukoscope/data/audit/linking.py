"""Group images into physical cells, and subjects into persons, by the pairs of the audit."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from leukoscope.core.files import natural_key
from leukoscope.core.listing import listed
from leukoscope.core.tables import text_column
from leukoscope.core.wording import count

CELL_NAME = 16  # hexadecimal digits; two of a million cells share them once in 37 million cohorts


def link_persons(
    subjects: np.ndarray,
    links: Sequence[tuple[int, int]],
    known: Mapping[int, str] | None = None,
    given: np.ndarray | None = None,
) -> tuple[np.ndarray, dict[str, str]]:
    """Link subjects into persons by pairs of rows that show the same cell.

    A person is a set of subjects connected by pairs or by a person that the table gives, directly
    or through others, and is named after the first of the given persons in natural order. A cell of
    unknown subject and person takes the person of the cells that it is paired with, and can connect
    two subjects. Other such cells stay without a person.

    Args:
        subjects: (N,) subject of each row, "" if unknown.
        links: Pairs of rows.
        known: Row to a further subject id of its cell, which need not be in the cohort.
        given: (N,) person that the table gives each row with a subject; by default the subject. Ids
            of persons and of subjects are different names: person "1" need not be subject "1".

    Returns:
        Person of each row ("" if unknown), and person of each subject.
    """
    known, rows = known or {}, len(subjects)
    given = subjects if given is None else given
    number: dict[tuple[str, str], int] = {}

    def node(kind: str, name: str) -> int:
        return number.setdefault((kind, name), rows + len(number))

    edges = [*links, *((row, node("known", name)) for row, name in known.items())]
    for kind, names in (("subject", subjects), ("given", given)):
        edges += [(row, node(kind, name)) for row, name in enumerate(names) if name]
    edges += [(node("known", name), node("subject", name)) for name in known.values()]
    group = _components(rows + len(number), edges)
    person_of: dict[int, str] = {}
    named = [(name, index) for (kind, name), index in number.items() if kind != "subject"]
    for name, index in sorted(named, key=lambda item: natural_key(item[0])):
        person_of.setdefault(int(group[index]), name)  # in natural order, so the first name wins
    persons = {
        name: person_of[int(group[number["subject", name]])]
        for name in sorted(set(subjects) - {""}, key=natural_key)
    }
    return text_column([person_of.get(int(group[row]), "") for row in range(rows)]), persons


def person_notes(subjects: np.ndarray, given: np.ndarray, person: np.ndarray) -> tuple[str, ...]:
    """Tell what became of the persons that a table gives.

    Args:
        subjects: (N,) subject of each row, "" if unknown.
        given: (N,) person before the audit: that of the table, or else the subject.
        person: (N,) person after it.

    Returns:
        A line each; none if every given person is the subject.
    """
    if not np.any((given != subjects) & (given != "")):
        return ()
    persons = count(len(set(given) - {""}), "person")
    lines = [f"Rows with the same person in the table count as one person ({persons})."]
    names: dict[str, set[str]] = {}
    for before, after in zip(given, person, strict=True):
        if before:
            names.setdefault(after, set()).add(before)
    for after in sorted(names, key=natural_key):
        if len(names[after]) > 1:
            lines.append(
                f"Persons {listed(map(repr, names[after]))} of the table share a cell "
                f"or a subject and are one person, {after!r}."
            )
    return tuple(lines)


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


def audit_key(sha256: np.ndarray) -> str:
    """A short hash of the set of images that were compared with each other, in any order."""
    images = "\n".join(sorted(set(sha256) - {""}))
    return hashlib.sha256(images.encode()).hexdigest()[:CELL_NAME]


def _components(count: int, links: Iterable[tuple[int, int]]) -> np.ndarray:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    edges = np.array(list(links), dtype=int).reshape(-1, 2)
    graph = coo_array((np.ones(len(edges), dtype=bool), edges.T), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1])
