"""The server process: listen, announce the address, serve, and shut down in order."""

import asyncio
import contextlib
import errno
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any, cast

import uvicorn

from leukoscope.app.http.protocol import limited_protocol
from leukoscope.app.lazy_app import LazyApp
from leukoscope.app.limits import Limits
from leukoscope.app.settings import Settings
from leukoscope.core.errors import ServeError
from leukoscope.core.printable import VisibleFormatter

if TYPE_CHECKING:
    from fastapi import FastAPI

BACKLOG = 1024  # connections that the system accepts before the server does
# Connections that asyncio accepts at once, before any of them can be refused or another one closed.
ACCEPTED_AT_ONCE = 8
LOGGERS = ("leukoscope.app", "leukoscope.access")


def serve(
    settings: Settings,
    *,
    on_listening: Callable[[str], None] = lambda url: None,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGINT or SIGTERM; running requests are finished first.

    Args:
        settings: Settings of the server.
        on_listening: Called with the URL as soon as it can be opened.
        on_ready: Called when model and database are ready.

    Raises:
        ServeError: The address cannot be used.
        ModelFileError: The model cannot be used.
        StoreError: The database cannot be used.
    """
    with contextlib.closing(bind(settings.host, settings.port)) as listener:
        app = LazyApp(lambda: _make_app(settings))
        config = uvicorn_config(app, settings.limits)
        server = _Server(config, app, lambda: on_listening(address(listener)), on_ready)
        server.run([listener])
    if server.failure is not None:
        raise server.failure


def uvicorn_config(app: Any, limits: Limits) -> uvicorn.Config:
    """Settings of uvicorn for an ASGI app."""
    config = uvicorn.Config(
        app,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=ACCEPTED_AT_ONCE,
        timeout_keep_alive=limits.idle_seconds,
        timeout_graceful_shutdown=int(limits.stop_seconds),
    )
    # Uvicorn takes any callable that makes a protocol; its type says a class.
    config.http = cast("Any", limited_protocol(limits, config.forwarded_allow_ips))
    return config


def bind(host: str, port: int) -> socket.socket:
    """Open a listening socket.

    Raises:
        ServeError: The port is in use, or the address does not belong to this machine.
    """
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, socket_address = infos[0]
        # Accepted connections inherit the protocol; asyncio sets TCP_NODELAY only where it is TCP.
        listener = socket.socket(family, kind, protocol)
        # On Windows SO_REUSEADDR would let two programs share a port; this is its opposite.
        exclusive = getattr(socket, "SO_EXCLUSIVEADDRUSE", None)
        listener.setsockopt(socket.SOL_SOCKET, exclusive or socket.SO_REUSEADDR, 1)
        listener.bind(socket_address)
        listener.listen(BACKLOG)
    except OSError as error:
        raise ServeError(_why(host, port, error)) from error
    listener.setblocking(False)
    return listener


def address(listener: socket.socket) -> str:
    """The URL of a listening socket for a browser on this machine."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextlib.contextmanager
def server_log() -> Iterator[None]:
    """Send the log of requests and failures to standard error, a line each, with the time."""
    handler = logging.StreamHandler()
    handler.setFormatter(VisibleFormatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    levels = dict.fromkeys(LOGGERS, logging.INFO) | {"uvicorn": logging.ERROR}
    loggers = {name: logging.getLogger(name) for name in levels}
    before = {name: (log.handlers[:], log.level, log.propagate) for name, log in loggers.items()}
    for name, logger in loggers.items():
        logger.handlers[:] = [handler]
        logger.setLevel(levels[name])
        logger.propagate = False
    try:
        yield
    finally:
        for name, logger in loggers.items():
            logger.handlers[:], level, logger.propagate = before[name]
            logger.setLevel(level)  # not by its attribute: loggers remember what is enabled


def _make_app(settings: Settings) -> "FastAPI":
    from leukoscope.app.server import create_app

    return create_app(settings)


def _why(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} of {host} is in use; stop the program that uses it, or choose another "
            "with --port (0: any free port)"
        )
    if error.errno == errno.EACCES:
        return f"port {port} is reserved for the system; choose one above 1023 with --port"
    reason = error.strerror or error
    return f"cannot listen on {host} ({reason}); give an address of this machine with --host"


class _Server(uvicorn.Server):
    """Uvicorn that ends normally on a signal, and keeps the error if a service fails to start."""

    def __init__(
        self,
        config: uvicorn.Config,
        app: LazyApp,
        on_listening: Callable[[], None],
        on_ready: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._app = app
        self._on_listening = on_listening
        self._on_ready = on_ready
        self._getting_ready: asyncio.Task[None] | None = None
        self.failure: Exception | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and load model and database in the background."""
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(BACKLOG)  # uvicorn has set it to the number accepted at once
        self._on_listening()
        self._getting_ready = asyncio.create_task(self._get_ready())

    async def _get_ready(self) -> None:
        try:
            await self._app.ready()
            self._on_ready()
        except Exception as error:
            self.failure = error
            self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle SIGINT and SIGTERM, and do not raise them again afterwards."""
        kinds = (signal.SIGINT, signal.SIGTERM)
        try:
            before = {kind: signal.signal(kind, self.handle_exit) for kind in kinds}
        except ValueError:  # not in the main thread: the caller stops it
            before = {}
        try:
            yield
        finally:
            for kind, handler in before.items():
                signal.signal(kind, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Start the shutdown."""
        self._app.stop()
        super().handle_exit(sig, frame)
