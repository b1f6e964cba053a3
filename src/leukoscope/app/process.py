"""The process around the app: listen, say where, serve, and stop in good order."""

import asyncio
import contextlib
import errno
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from leukoscope.app.lazy_app import LazyApp
from leukoscope.app.settings import Settings
from leukoscope.core.errors import ServeError

if TYPE_CHECKING:
    from fastapi import FastAPI

BACKLOG = 1024
LOGGERS = ("leukoscope.app", "leukoscope.access")


def serve(
    settings: Settings,
    *,
    on_listening: Callable[[str], None] = lambda url: None,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGINT or SIGTERM; what has begun is finished first.

    Args:
        settings: how to serve.
        on_listening: called with the server's address as soon as it can be opened.
        on_ready: called when images can be answered and cases be kept.

    Raises:
        ServeError: the address can't be used.
        ModelFileError: the model can't be used.
        StoreError: the database can't be used.
    """
    with contextlib.closing(bind(settings.host, settings.port)) as listener:
        gate = LazyApp(lambda: _make_app(settings))
        config = uvicorn.Config(
            gate,
            http="h11",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            backlog=BACKLOG,
            limit_concurrency=settings.limits.connections,
            timeout_graceful_shutdown=int(settings.limits.stop_seconds),
        )
        server = _Server(config, gate, lambda: on_listening(address(listener)), on_ready)
        server.run([listener])
    if server.failure is not None:
        raise server.failure


def bind(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        ServeError: the address is another program's, or not this machine's.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, *_, where = found[0]
        listener = socket.socket(family, kind)
        # On Windows SO_REUSEADDR would let two programs share a port; this is its opposite.
        exclusive = getattr(socket, "SO_EXCLUSIVEADDRUSE", None)
        listener.setsockopt(socket.SOL_SOCKET, exclusive or socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(BACKLOG)
    except OSError as error:
        raise ServeError(_why(host, port, error)) from error
    listener.setblocking(False)
    return listener


def address(listener: socket.socket) -> str:
    """The URL under which a browser on this machine finds a listening socket."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def configure_log() -> None:
    """Send the log of requests and failures to standard error, a line each, with the time."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    for name, level in (*((name, logging.INFO) for name in LOGGERS), ("uvicorn", logging.ERROR)):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(level)
        logger.propagate = False


def _make_app(settings: Settings) -> "FastAPI":
    from leukoscope.app.server import create_app

    return create_app(settings)


def _why(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} of {host} is in use; stop the program that uses it, or choose another "
            "with --port (0 takes any that is free)"
        )
    if error.errno == errno.EACCES:
        return f"port {port} is reserved for the system; choose one above 1023 with --port"
    reason = error.strerror or error
    return f"cannot listen on {host} ({reason}); name an address of this machine with --host"


class _Server(uvicorn.Server):
    """Uvicorn, for which a signal is a good end, and parts that can't be used are a bad one."""

    def __init__(
        self,
        config: uvicorn.Config,
        gate: LazyApp,
        on_listening: Callable[[], None],
        on_ready: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._gate = gate
        self._on_listening = on_listening
        self._on_ready = on_ready
        self._getting_ready: asyncio.Task[None] | None = None
        self.failure: Exception | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, and to get ready."""
        await super().startup(sockets)
        self._on_listening()
        self._getting_ready = asyncio.create_task(self._get_ready())

    async def _get_ready(self) -> None:
        try:
            await self._gate.ready()
            self._on_ready()
        except Exception as error:
            self.failure = error
            self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals that end the server, and do not raise them again afterwards."""
        kinds = (signal.SIGINT, signal.SIGTERM)
        try:
            before = {kind: signal.signal(kind, self.handle_exit) for kind in kinds}
        except ValueError:  # not in the main thread: whoever started it there ends it
            before = {}
        try:
            yield
        finally:
            for kind, handler in before.items():
                signal.signal(kind, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop."""
        self._gate.stop()
        super().handle_exit(sig, frame)
