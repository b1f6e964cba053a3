"""Alembic runs this: migrations go over the connection that `migrate.bring_up_to_date` hands in."""

from alembic import context

from leukoscope.app.store.migrate import VERSION_TABLE
from leukoscope.app.store.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    # SQLite changes a column by copying the table.
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
