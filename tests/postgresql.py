"""A real PostgreSQL server for tests, in a temporary folder, on a free port of this machine."""

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port

USER = "leukoscope"
PASSWORD = "correct horse/battery"
QUOTED = "correct%20horse%2Fbattery"


@dataclass
class PostgreSQL:
    """A running server; each test takes a database of its own."""

    programs: Path
    folder: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    shared: str = ""
    options: tuple[str, ...] = ()

    def new_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"test_{secrets.token_hex(6)}"
        connection = self.connect("postgres")
        connection.autocommit = True
        connection.cursor().execute(f"CREATE DATABASE {name} TEMPLATE template0")
        connection.close()
        return self.url(name)

    def emptied_database(self) -> str:
        """The URL of a database that tests take one after the other; its tables are emptied."""
        if not self.shared:
            self.shared = self.new_database()
            return self.shared
        connection = self.connect(self.shared.rpartition("/")[2])
        connection.cursor().execute("TRUNCATE cases CASCADE")
        connection.commit()
        connection.close()
        return self.shared

    def url(self, database: str, password: str = QUOTED) -> str:
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str) -> Any:
        import pg8000.dbapi

        return pg8000.dbapi.connect(
            USER, "127.0.0.1", database, self.port, PASSWORD, timeout=300, ssl_context=False
        )

    @contextmanager
    def encrypted(self) -> Iterator[None]:
        """Offer TLS meanwhile, under a certificate that nobody knows."""
        openssl = shutil.which("openssl")
        if openssl is None:
            pytest.skip("there is no openssl to make a certificate with")
        key, certificate = self.folder / "key.pem", self.folder / "certificate.pem"
        subprocess.run(
            [
                *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt"),
                *("ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost"),
                *("-keyout", key, "-out", certificate),
            ],
            check=True,
            capture_output=True,
            **_as_postgres(),
        )
        key.chmod(0o600)
        self.stop()
        self.options = (
            *("-c", "ssl=on", "-c", f"ssl_key_file={key}"),
            *("-c", f"ssl_cert_file={certificate}"),
        )
        self.start()
        try:
            yield
        finally:
            self.stop()
            self.options = ()
            self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                *(self.programs / "postgres", "-D", self.folder / "data", "-p", str(self.port)),
                *("-c", f"unix_socket_directories={self.folder}"),
                *self.options,
                *("-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"),
                *("-c", "shared_buffers=16MB", "-c", "max_connections=60"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "log").open("ab"),
            **_as_postgres(),
        )
        for _ in range(6_000):
            assert self.process.poll() is None, (self.folder / "log").read_text()
            with suppress(Exception):
                self.connect("postgres").close()
                return
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self) -> None:
        """End it at once, and all its connections with it."""
        assert self.process is not None
        self.process.send_signal(2)  # "fast shutdown"
        self.process.wait(300)


@contextmanager
def preferring(ssl_context: bool | None) -> Iterator[None]:
    """What the driver gets meanwhile for the `sslmode` "prefer": None asks for encryption."""
    from leukoscope.core.databases import ENCRYPTION

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ENCRYPTION, "prefer", ssl_context)
        yield


@contextmanager
def running_postgresql() -> Iterator[PostgreSQL]:
    """A new server; skips where PostgreSQL is not installed."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="leukoscope-pg-"))
    server = PostgreSQL(programs, folder)
    try:
        (folder / "password").write_text(PASSWORD)
        if os.geteuid() == 0:
            for path in (folder, folder / "password"):
                shutil.chown(path, "postgres", "postgres")
        subprocess.run(
            [
                *(programs / "initdb", "-D", folder / "data", "-U", USER, "--encoding=UTF8"),
                *("--no-locale", "--auth=scram-sha-256", f"--pwfile={folder / 'password'}"),
                "--no-sync",
            ],
            check=True,
            capture_output=True,
            **_as_postgres(),
        )
        server.port = free_port()
        server.start()
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """The folder of the newest installed PostgreSQL."""
    pytest.importorskip("pg8000")
    on_path = shutil.which("initdb")
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4])
    )
    if on_path is None and not found:
        pytest.skip("PostgreSQL is not installed (no initdb); Debian: apt-get install postgresql")
    return Path(on_path).parent if on_path else found[-1].parent


def _as_postgres() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {"cwd": "/"}
    return {"user": "postgres", "group": "postgres", "extra_groups": [], "cwd": "/"}
