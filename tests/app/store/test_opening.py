"""Where cases are kept, and the one line that says why they cannot be."""

import os
import socket
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from leukoscope.app.limits import Limits
from leukoscope.app.settings import Settings
from leukoscope.app.store import Store, StoreError, location, open_store
from leukoscope.app.store.engine import parse_url
from leukoscope.core.errors import MissingExtraError
from tests.app.store.made import new_case
from tests.app.store.made import open_store as open_url
from tests.postgresql import PASSWORD, QUOTED, USER, PostgreSQL, preferring


def refusal(url: str) -> str:
    """The one line that opening a database ends with."""
    with pytest.raises(StoreError) as caught:
        Store(url, Limits()).open()
    line = str(caught.value)
    assert "\n" not in line
    assert caught.value.__cause__ is None
    return line


def test_the_settings_name_the_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    place = location.database_url
    assert place(Settings()) == f"sqlite:///{tmp_path}/data/leukoscope/cases.sqlite3"
    assert place(Settings(database="postgresql://x/y")) == "postgresql://x/y"
    assert place(Settings(database="postgresql://x/y", ephemeral=True)) == "sqlite://"


def test_the_default_file_is_for_its_owner_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    before = os.umask(0)
    try:
        store = open_store(Settings())
        new_case(store)
        folder = tmp_path / "data" / "leukoscope"
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert modes == dict.fromkeys(
        ("cases.sqlite3", "cases.sqlite3-wal", "cases.sqlite3-shm"), 0o600
    )
    store.close()
    assert [path.name for path in folder.iterdir()] == ["cases.sqlite3"]


def test_permissions_that_somebody_gave_stay(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    file = tmp_path / "shared.sqlite3"
    file.touch(0o640)
    file.chmod(0o640)
    open_url(f"sqlite:///{file}").close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o750


def test_a_file_named_in_a_relative_or_odd_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for url, file in {
        "sqlite:///here.sqlite3": "here.sqlite3",
        "sqlite+pysqlite:///ünter/細 胞#1.db": "ünter/細 胞#1.db",
        "sqlite:///~/home.db": "home.db",
    }.items():
        open_url(url).close()
        assert (tmp_path / file).stat().st_size > 0


def test_nothing_is_kept_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    for _ in range(2):
        store = open_store(Settings(ephemeral=True))
        assert store.heads() == []
        new_case(store)
        store.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    [
        "cases.sqlite3",
        "",
        "://",
        "postgresql://leukoscope:s3cret@host:port/cases",
        "mysql://leukoscope:s3cret@host/cases",
        "postgresql+psycopg://leukoscope:s3cret@host/cases",
    ],
)
def test_a_url_that_is_none(url: str) -> None:
    line = refusal(url)
    assert "sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE" in line
    assert "s3cret" not in line


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes(b"These are notes, and no database. " * 300)
    assert "SQLite database" in refusal(f"sqlite:///{file}")
    assert file.read_bytes().startswith(b"These are notes")


def test_a_damaged_database(tmp_path: Path) -> None:
    file = tmp_path / "cases.sqlite3"
    open_url(f"sqlite:///{file}").close()
    data = bytearray(file.read_bytes())
    data[100:4096] = b"\xff" * 3996
    file.write_bytes(data)
    assert "damaged" in refusal(f"sqlite:///{file}")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "--ephemeral" in refusal(f"sqlite:///{tmp_path}/file/cases.sqlite3")
    assert "--ephemeral" in refusal(f"sqlite:///{tmp_path}")
    file = tmp_path / "empty.sqlite3"
    file.touch()
    line = refusal(f"sqlite:///file:{file}?mode=ro&uri=true")
    assert "readonly" in line
    assert "--ephemeral" in line


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="there is no /proc")
def test_a_read_only_file_system() -> None:
    assert "--ephemeral" in refusal("sqlite:////proc/leukoscope/cases.sqlite3")


def test_the_database_of_another_program(tmp_path: Path) -> None:
    file = tmp_path / "places.sqlite3"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    assert "belongs to another program (it has the table 'bookmarks')" in refusal(
        f"sqlite:///{file}"
    )


def test_postgresql_is_spoken_to_through_pg8000() -> None:
    for text in ("postgres://u:p@h/d", "postgresql://u:p@h/d", "postgresql+pg8000://u:p@h/d"):
        assert parse_url(text).drivername == "postgresql+pg8000"


def test_postgresql_without_its_driver() -> None:
    code = (
        "import sys; sys.modules['pg8000'] = None\n"
        "from leukoscope.app.settings import Settings\n"
        "from leukoscope.app.store import open_store\n"
        "try: open_store(Settings(database='postgresql://u:s3cret@localhost/d'))\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.startswith(MissingExtraError.__name__)
    assert "[postgres]" in told.stdout
    assert "s3cret" not in told.stdout


def test_postgresql_that_refuses(postgresql: PostgreSQL) -> None:
    wrong = refusal(postgresql.url("postgres", password="s3cret"))
    assert f"refuses the user '{USER}'" in wrong
    assert "s3cret" not in wrong
    missing = refusal(postgresql.url("nowhere"))
    assert "'nowhere' does not exist" in missing
    option = refusal(postgresql.url("postgres") + "?color=red")
    assert "option" in option
    for line in (missing, option):
        assert PASSWORD not in line
        assert QUOTED not in line


def test_postgresql_that_does_not_answer() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    line = refusal(f"postgresql://u:s3cret@127.0.0.1:{port}/cases")
    assert f"PostgreSQL at 127.0.0.1:{port}, database 'cases' does not answer" in line
    assert "s3cret" not in line


def test_postgresql_over_an_encrypted_connection(postgresql: PostgreSQL) -> None:
    def encrypted(url: str) -> bool:
        store = open_url(url)
        with store._reading() as connection:
            query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            found = connection.exec_driver_sql(query).scalar()
        store.close()
        return bool(found)

    url = postgresql.emptied_database()
    with preferring(None):
        assert encrypted(url) is False
    assert "sslmode" in refusal(f"{url}?sslmode=require")
    assert "sslmode 'most' is not known" in refusal(f"{url}?sslmode=most")
    with postgresql.encrypted():
        with preferring(None):
            assert encrypted(url) is True
        assert encrypted(f"{url}?sslmode=require") is True
        assert encrypted(f"{url}?sslmode=disable") is False
        assert "certificate that is not trusted" in refusal(f"{url}?sslmode=verify-full")


def test_postgresql_shared_with_another_program(postgresql: PostgreSQL) -> None:
    name = postgresql.new_database().rpartition("/")[2]
    connection = postgresql.connect(name)
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE alembic_version (version_num TEXT)")
    cursor.execute("CREATE TABLE trials (id INTEGER)")
    connection.commit()
    open_url(postgresql.url(name)).close()
    cursor.execute("DROP TABLE leukoscope_version")
    connection.commit()
    connection.close()
    assert "it has the table 'cases'" in refusal(postgresql.url(name))


def test_a_database_that_is_damaged_inside_is_said_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "cases.sqlite3"
    store = open_url(f"sqlite:///{path}")
    case = new_case(store, name="a")
    store.close()
    data = bytearray(path.read_bytes())
    for page in range(4096, len(data), 4096):  # the first one holds the schema
        data[page : page + 8] = b"\xff" * 8
    path.write_bytes(data)
    with pytest.raises(StoreError, match="damaged"):  # noqa: PT012
        store = open_url(f"sqlite:///{path}")
        store.case(case)


def test_a_table_name_that_is_not_text_is_a_damaged_database(tmp_path: Path) -> None:
    path = tmp_path / "cases.sqlite3"
    store = open_url(f"sqlite:///{path}")
    store.close()
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE cells", b"CREATE TABLE c\xff\xfels"))
    assert "damaged" in refusal(f"sqlite:///{path}")
