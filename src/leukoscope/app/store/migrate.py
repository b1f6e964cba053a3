"""Migrate a database with Alembic; the migrations are part of this package."""

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from leukoscope.app.store.errors import StoreError
from leukoscope.app.store.tables import Base

FOLDER = Path(__file__).parent / "migrations"
# Not the default name of Alembic, which another program in the same database may use.
VERSION_TABLE = "leukoscope_version"
# An arbitrary constant, by which two servers that start together wait for each other.
POSTGRESQL_LOCK = 0x6C65756B6F


def bring_up_to_date(writing: Engine, place: str) -> None:
    """Create the tables of an empty database, and migrate those of an older version.

    All in one transaction: a crash leaves the database unchanged.

    Args:
        writing: Writing engine from `engine.make_engines`.
        place: Name of the database in messages.

    Raises:
        StoreError: The database is of a newer version of Leukoscope, or of another program.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    with writing.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({POSTGRESQL_LOCK})"))
        current = _current(connection, place)
        if current == script.get_current_head():
            return
        if current and current not in {step.revision for step in script.walk_revisions()}:
            raise StoreError(
                f"{place} was written by a newer version of Leukoscope (its tables have the "
                f"version {current!r}); install that version, or name another database."
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _current(connection: Connection, place: str) -> str | None:
    """The version of the tables; None if there are none yet."""
    tables = set(inspect(connection).get_table_names())
    if VERSION_TABLE in tables:
        return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    # A SQLite file belongs to one program; a PostgreSQL database may be shared.
    taken = tables if connection.dialect.name == "sqlite" else tables & set(Base.metadata.tables)
    if taken:
        raise StoreError(
            f"{place} belongs to another program (it has the table {min(taken)!r}); name a "
            "separate database for Leukoscope."
        )
    return None
