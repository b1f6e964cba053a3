"""Settings of a server."""

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from leukoscope.app.limits import Limits


@dataclass(frozen=True)
class Settings:
    """The options of `leukoscope serve`.

    Attributes:
        model: The model file; None for the shipped one.
        models: A folder of further model files to choose from; None for none.
        host: Address to listen on.
        port: Port to listen on; 0 for any free one.
        token: Bearer token that clients must send; None only on loopback.
        database: SQLAlchemy URL of cases and reviews; None for the user's own SQLite file.
        ephemeral: Keep cases in memory only.
        log_names: Write file names into the access log.
        workers: Number of threads that predict; None for one per core.
        limits: Bounds on requests.
    """

    model: Path | None = None
    models: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    database: str | None = None
    ephemeral: bool = False
    log_names: bool = False
    workers: int | None = None
    limits: Limits = field(default_factory=Limits)

    @property
    def on_loopback(self) -> bool:
        """True if only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False
