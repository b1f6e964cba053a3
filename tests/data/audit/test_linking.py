import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from leukoscope.core.files import natural_key
from leukoscope.core.tables import text_column
from leukoscope.data.audit.linking import link_persons, name_cells

SUBJECTS = st.lists(
    st.sampled_from(["", "1", "2", "10", "H2", "H10", "h3"]), min_size=1, max_size=12
)


@st.composite
def cohorts(draw: st.DrawFn) -> tuple[list[str], list[tuple[int, int]]]:
    subjects = draw(SUBJECTS)
    row = st.integers(0, len(subjects) - 1)
    return subjects, draw(st.lists(st.tuples(row, row), max_size=8))


def spread(start: int, subjects: list[str], links: list[tuple[int, int]]) -> set[int]:
    """All rows reached from one by links and shared known subjects, by plain repetition."""
    reached = {start}
    while True:
        more = {b for a, b in links if a in reached} | {a for a, b in links if b in reached}
        names = {subjects[row] for row in reached} - {""}
        more |= {row for row, subject in enumerate(subjects) if subject in names}
        if more <= reached:
            return reached
        reached |= more


@settings(deadline=None)
@given(cohorts())
def test_persons_are_what_links_and_subjects_reach(
    cohort: tuple[list[str], list[tuple[int, int]]],
) -> None:
    subjects, links = cohort
    person, persons = link_persons(text_column(subjects), links)
    for row, subject in enumerate(subjects):
        names = {subjects[other] for other in spread(row, subjects, links)} - {""}
        assert person[row] == min(names, key=natural_key, default="")
        if subject:
            assert persons[subject] == person[row]


@settings(deadline=None)
@given(cohorts(), st.randoms())
def test_cells_keep_their_names_when_rows_change_places(
    cohort: tuple[list[str], list[tuple[int, int]]], random: object
) -> None:
    subjects, links = cohort
    hashes = text_column([f"{n:064x}" for n in range(len(subjects))])
    order = np.arange(len(subjects))
    random.shuffle(order)  # type: ignore[attr-defined]
    place = np.argsort(order)
    shuffled = name_cells(hashes[order], [(place[a], place[b]) for a, b in links])
    assert list(shuffled[place]) == list(name_cells(hashes, links))


def test_a_file_without_hash_is_no_cell() -> None:
    assert list(name_cells(text_column(["", "", "ab"]), [])) == ["", "", "ab"]
