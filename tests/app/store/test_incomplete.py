"""A database that lost a table or a column, and exports of a case that changes meanwhile."""

import io
import zipfile

import pytest
from sqlalchemy import create_engine, text

from leukoscope.app.export.export import export
from leukoscope.app.limits import Limits
from leukoscope.app.schemas import Review
from leukoscope.app.store import Store, StoreError, UnavailableError, engine
from tests.app.made_case import picture
from tests.app.store.made import add, answer, new_case, open_store


def change(url: str, *statements: str) -> None:
    """Change a database as another program would."""
    other = create_engine(engine.parse_url(url))
    with other.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    other.dispose()


DAMAGES = [
    "DROP TABLE images",
    "DROP TABLE reviews",
    "ALTER TABLE cells DROP COLUMN logit",
    "ALTER TABLE reviews RENAME TO other",
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_database_without_a_table_or_column_is_not_ready(untouched_url, damage):
    store = open_store(untouched_url)
    store.check()
    change(untouched_url, damage)
    with pytest.raises(UnavailableError, match="lacks a table or column"):
        store.check()
    store.close()
    with pytest.raises(StoreError, match="lacks a table or column") as raised:
        Store(untouched_url, Limits()).open()
    assert "\n" not in str(raised.value)


def test_a_request_to_such_a_database_says_so(untouched_url):
    store = open_store(untouched_url)
    case = new_case(store)
    change(untouched_url, "DROP TABLE reviews")
    with pytest.raises(UnavailableError, match="lacks a table"):
        store.case(case)
    store.close()


def reviewed_case(store: Store, cells: int) -> tuple[str, list[int]]:
    case = new_case(store, keep_images=True)
    ids = []
    for number in range(cells):
        ids += add(store, case, answer(number), data=picture(40 + number))
        store.review(case, ids[-1], Review(label="ALL"))
    return case, ids


@pytest.mark.parametrize("kind", ["cohort", "html"])
def test_an_export_is_complete_whatever_is_deleted_meanwhile(lasting_url, kind):
    store = open_store(lasting_url)
    case, ids = reviewed_case(store, 3)
    deletions = [lambda: store.remove(case, ids[2]), lambda: store.delete(case)]
    with store.snapshot(case) as (whole, load):

        def load_while_others_delete(cell: int) -> bytes:
            if deletions:
                deletions.pop(0)()
            return load(cell)

        one = export(kind, whole, load_while_others_delete, None, store.scratch)
    content = b"".join(one.content)
    assert not deletions
    if kind == "html":
        assert content.count(b"<img") == 3
    else:
        assert len(content) == one.size
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert archive.testzip() is None
            assert sum(name.startswith("images/") for name in archive.namelist()) == 3
    store.close()


def test_a_large_export_uses_a_file_beside_the_database_and_no_disk_in_memory(tmp_path):
    file, memory = open_store(f"sqlite:///{tmp_path}/cases.db"), open_store("sqlite://")
    assert (file.scratch, memory.scratch) == (tmp_path, None)
    file.close()
    memory.close()


def test_an_export_without_room_is_one_line(tmp_path, monkeypatch):
    from leukoscope.app.export import export as module

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("leukoscope.app.export.cohort_export.write_cohort_zip", full)
    store = open_store("sqlite://")
    case, _ = reviewed_case(store, 1)
    with store.snapshot(case) as (whole, load), pytest.raises(UnavailableError, match="No space"):
        module.export("cohort", whole, load, None, tmp_path)
    store.close()
