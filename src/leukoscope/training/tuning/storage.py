"""The storage of a study: a SQLite file, a PostgreSQL server or a journal, for many processes.

Optuna's heartbeat tells the trials that are being worked on from those whose process is gone, and
its retry callback queues the settings of the latter again. Optuna has it for databases only, so
that of the journal is added here.
"""

import logging
import sqlite3
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import (
    BaseStorage,
    JournalStorage,
    RDBStorage,
    RetryHeartbeatStaleTrialCallback,
)
from optuna.storages._heartbeat import BaseHeartbeat
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import URL, Connection, create_engine, event, inspect
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from leukoscope.core import databases
from leukoscope.core.errors import TuningError, missing_extra

log = logging.getLogger(__name__)

JOURNAL = "journal:"
BUSY_SECONDS = 60  # a writer of a SQLite file waits so long for the others
ATTEMPTS = 5  # workers that begin at the same moment run into each other while tables are made
OURS = {"studies", "version_info"}  # tables of Optuna's
HEARTBEAT, GRACE = (
    10,
    60,
)  # seconds between heartbeats, and from the last one until a trial is stale
RETRIES = 2  # settings that always crash the process would stop a study for good
BEAT = "heartbeat"  # the attribute of a trial in a journal


def retry(study: optuna.Study, trial: FrozenTrial) -> None:
    """Queue the settings of a stale trial again, to continue in its folder."""
    log.info("trial %d was interrupted; its settings are tried again", trial.number)
    trial.set_user_attr("origin", origin(trial))
    with experimental():
        RetryHeartbeatStaleTrialCallback(max_retry=RETRIES)(study, trial)


def origin(trial: FrozenTrial | optuna.Trial) -> int:
    """The number of the trial in whose folder this one trains: its own, or of the interrupted."""
    return int(trial.user_attrs.get("origin", trial.number))


@contextmanager
def experimental() -> Iterator[None]:
    """Use a feature that Optuna marks as experimental without its warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield


class _Database(RDBStorage):
    def record_heartbeat(self, trial_id: int) -> None:
        with suppress(Exception):  # out of reach for a moment; the next one may get through
            super().record_heartbeat(trial_id)


class _Journal(JournalStorage, BaseHeartbeat):
    """A journal whose trials have a heartbeat, by the clocks of the workers."""

    def record_heartbeat(self, trial_id: int) -> None:
        with suppress(Exception):
            self.set_trial_system_attr(trial_id, BEAT, time.time())

    def _get_stale_trial_ids(self, study_id: int) -> list[int]:
        oldest = time.time() - GRACE
        running = self.get_all_trials(study_id, deepcopy=False, states=(TrialState.RUNNING,))
        return [t._trial_id for t in running if t.system_attrs.get(BEAT, oldest) < oldest]

    def get_heartbeat_interval(self) -> int:
        return HEARTBEAT

    def get_heartbeat_stale_trial_callback(self) -> Callable[[optuna.Study, FrozenTrial], None]:
        return retry


def shown(place: str) -> str:
    """A storage as it may be printed, without a password."""
    if place.startswith(JOURNAL):
        return place
    return databases.parse_url(place).render_as_string(hide_password=True)


def open_storage(place: str) -> BaseStorage:
    """Open a storage, and make what is missing in it.

    Args:
        place: "journal:PATH", or the URL of a database.

    Raises:
        DatabaseError: Not the URL of a supported database.
        TuningError: It cannot be opened, or holds something else.
        MissingExtraError: The driver of PostgreSQL is not installed.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if place.startswith(JOURNAL):
        path = Path(place.removeprefix(JOURNAL)).expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        return _Journal(JournalFileBackend(str(path)))
    url = databases.parse_url(place)
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise TuningError(f"{place}: a study in memory would be lost; name a file: sqlite:///FILE")
    try:
        return _patiently(url)
    except ModuleNotFoundError as error:
        raise missing_extra("A study in PostgreSQL", error) from error
    except (SQLAlchemyError, OSError, RuntimeError) as error:  # Optuna's own are of these
        cause = error.orig if isinstance(error, DBAPIError) else error
        reason = " ".join(str(cause).split())[:200]
        raise TuningError(f"{shown(place)}: no study can be kept here ({reason}).") from None


@contextmanager
def failures_named(place: str) -> Iterator[None]:
    """Turn a failure of the storage, such as a full disk, into one line.

    Optuna reports some as an AssertionError, raised while it handles the true one.

    Raises:
        TuningError: A trial could not be stored or read.
    """
    try:
        yield
    except (optuna.exceptions.StorageInternalError, SQLAlchemyError, AssertionError) as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, DBAPIError):
            cause = cause.__cause__ or cause.__context__
        if cause is None:
            raise
        reason = " ".join(str(cause.orig).split())[:200]
        raise TuningError(
            f"{shown(place)}: the study could not be stored ({reason}). After you have solved "
            "this, the same command continues the study."
        ) from error


def _patiently(url: URL) -> RDBStorage:
    for attempt in range(ATTEMPTS):
        try:
            if url.get_backend_name() == "sqlite":
                return _sqlite(url)
            postgresql, arguments = databases.postgresql_arguments(url)
            return _opened(postgresql, arguments, pool_pre_ping=True)
        except (SQLAlchemyError, optuna.exceptions.StorageInternalError):
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(0.1 * 2**attempt)
    raise AssertionError


def _sqlite(url: URL) -> RDBStorage:
    storage = _opened(url, {"timeout": BUSY_SECONDS})
    # A transaction that reads first and writes later fails where another wrote in between, and two
    # workers could take one trial; so each has the file to itself from its start.
    event.listen(storage.engine, "connect", _leave_transactions_to_us)
    event.listen(storage.engine, "begin", _begin_at_once)
    storage.engine.dispose()
    connection = storage.engine.raw_connection()  # outside transactions; the file remembers it
    connection.cursor().execute("PRAGMA journal_mode = WAL").fetchall()
    connection.close()
    return storage


def _opened(url: URL, arguments: dict[str, Any], **more: Any) -> RDBStorage:
    options = {"connect_args": arguments, "hide_parameters": True, **more}
    engine = create_engine(url, **options)
    tables = set(inspect(engine).get_table_names())
    engine.dispose()
    if tables and not tables & OURS:
        raise TuningError(
            f"{url.render_as_string(hide_password=True)}: belongs to another program (it has "
            f"the table {min(tables)!r}); use a separate database for studies."
        )
    with experimental():
        return _Database(
            url.render_as_string(hide_password=False),
            options,
            heartbeat_interval=HEARTBEAT,
            grace_period=GRACE,
            heartbeat_stale_trial_callback=retry,
        )


def _leave_transactions_to_us(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous = NORMAL")  # a commit outlives the process, and is quick


def _begin_at_once(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
