"""The migrations in the package make exactly the tables that the program uses."""

import shutil
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from leukoscope.app.limits import Limits
from leukoscope.app.store import Store, StoreError, migrate, reading
from leukoscope.app.store.engine import make_engines, parse_url
from leukoscope.app.store.migrate import FOLDER, VERSION_TABLE
from leukoscope.app.store.tables import Base
from tests.app.store.made import open_store


def test_migrations_give_the_tables_of_the_program(url: str) -> None:
    store = open_store(url)
    with store._opened().writing.begin() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": VERSION_TABLE,
                "compare_type": True,
                "compare_server_default": True,
                "render_as_batch": True,
            },
        )
        assert compare_metadata(context, Base.metadata) == []
        # What Alembic does not compare: keys, and what becomes of dependants.
        found = inspect(connection)
        for table in Base.metadata.sorted_tables:
            key = found.get_pk_constraint(table.name)
            assert key["constrained_columns"] == table.primary_key.columns.keys()
            keys = {key["name"]: key["options"] for key in found.get_foreign_keys(table.name)}
            assert keys == {
                key.name: {"ondelete": "CASCADE"} for key in table.foreign_key_constraints
            }
    store.close()


def test_sqlite_never_gives_an_id_out_twice(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path}/x.sqlite3").close()
    with sqlite3.connect(tmp_path / "x.sqlite3") as connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'")
        assert {name for (name,) in rows} == {"cells", "reviews"}


def test_there_is_one_way_through_the_migrations() -> None:
    script = ScriptDirectory(str(FOLDER))
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1


def test_opening_again_changes_nothing(lasting_url: str) -> None:
    def schema() -> object:
        engine = make_engines(parse_url(lasting_url)).reading
        with engine.begin() as connection:
            found = inspect(connection)
            tables = {name: found.get_columns(name) for name in found.get_table_names()}
            version = connection.execute(text(f"SELECT * FROM {VERSION_TABLE}")).all()
        engine.dispose()
        return repr((tables, version))

    open_store(lasting_url).close()
    before = schema()
    open_store(lasting_url).close()
    assert schema() == before


def test_a_database_of_a_newer_version_is_left_alone(lasting_url: str) -> None:
    store = open_store(lasting_url)
    with store._opened().writing.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    store.close()
    try:
        with pytest.raises(StoreError, match=r"newer version of Leukoscope.*'9999'"):
            Store(lasting_url, Limits()).open()
    finally:
        engines = make_engines(parse_url(lasting_url))
        with engines.writing.begin() as connection:
            head = ScriptDirectory(str(FOLDER)).get_current_head()
            connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '{head}'"))
        engines.reading.dispose()


def test_a_migration_that_fails_leaves_nothing_half_made(
    untouched_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "migrations"
    shutil.copytree(FOLDER, broken)
    (first,) = (broken / "versions").glob("m0001*.py")
    first.write_text(first.read_text().replace('    op.create_index("ix_reviews', "    0 / 0  #"))
    with monkeypatch.context() as patched:
        patched.setattr(migrate, "FOLDER", broken)
        with pytest.raises(ZeroDivisionError):
            open_store(untouched_url)
    engines = make_engines(parse_url(untouched_url))
    with engines.reading.begin() as connection:
        assert inspect(connection).get_table_names() == []
    engines.reading.dispose()
    open_store(untouched_url).close()


def test_cases_of_an_older_version_never_abstain(
    untouched_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = tmp_path / "migrations"
    shutil.copytree(FOLDER, older)
    for later in ("m0002_abstention.py", "m0003_measurements.py", "m0004_pixels.py"):
        (older / "versions" / later).unlink()
    with monkeypatch.context() as patched:
        patched.setattr(migrate, "FOLDER", older)
        patched.setattr(reading, "check_tables", lambda connection: None)
        store = open_store(untouched_url)
    with store._opened().writing.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO cases (id, name, notes, keep_images, created, updated, model, "
                "model_sha256, model_threshold) VALUES ('aaaaaaaaaaaaaaaaaaaaaa', 'old', '', "
                "false, '2026-01-02 03:04:05', '2026-01-02 03:04:05', 'tiny', 'ab', 0.4)"
            )
        )
        connection.execute(
            text(
                "INSERT INTO cells (case_id, name, subject, p_all, verdict, logit, flags, reason, "
                "sha256, answered) VALUES ('aaaaaaaaaaaaaaaaaaaaaa', 'a.bmp', '', 0.5, 'blast', "
                "0.1, '[]', '', 'cd', '2026-01-02 03:04:05')"
            )
        )
    store.close()
    store = open_store(untouched_url)
    head = store.head("a" * 22)
    assert (head.name, head.threshold, head.abstains) == ("old", 0.4, None)
    (cell,) = store.case("a" * 22).cells
    assert (cell.name, cell.features, cell.pixels) == ("a.bmp", None, "")
    store.close()
