"""The app as a whole, and the process around it: bind, say where, serve, stop in good order."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from types import FrameType

import uvicorn
from fastapi import FastAPI

from leukoscope.app.access import Access
from leukoscope.app.openapi import document
from leukoscope.app.problems import install
from leukoscope.app.routes import models, page, predict, service
from leukoscope.app.security import Guard
from leukoscope.app.settings import Settings
from leukoscope.app.state import Services, build
from leukoscope.app.store import open_store
from leukoscope.errors import ServeError

log = logging.getLogger("leukoscope.app")

BACKLOG = 1024


def create_app(settings: Settings) -> FastAPI:
    """The app for one model.

    Args:
        settings: how the server was started. `host`, `port` are used by `serve` alone.

    Raises:
        ModelFileError: the model can't be used.
    """
    parts = build(settings)
    app = FastAPI(
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        openapi_url=None,
        lifespan=_lifespan,
    )
    app.state.services = parts
    app.state.store = None
    for module in (predict, models, service, page):
        app.include_router(module.router)
    try:  # until the cases are there
        from leukoscope.app.routes import cases

        app.include_router(cases.router)
    except ImportError:
        pass
    app.add_api_route("/openapi.json", lambda: document(app), include_in_schema=False)
    install(app)
    app.add_middleware(Guard, settings=settings)
    app.add_middleware(Access, metrics=parts.metrics, log_names=settings.log_names)
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    parts: Services = app.state.services
    parts.batcher.start()
    # SQLAlchemy takes as long to import as everything else: it comes while the page is drawn.
    parts.opening = asyncio.ensure_future(asyncio.to_thread(open_store, parts.settings))
    try:
        yield
    finally:
        parts.stopping = True
        await asyncio.to_thread(parts.batcher.stop, 1.0)
        with contextlib.suppress(Exception):  # why it could not be opened is told by the server
            store = await parts.opening
            await asyncio.to_thread(store.close)


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
        on_ready: called when cases can be kept as well.

    Raises:
        ServeError: the address can't be used.
        ModelFileError: the model can't be used.
        StoreError: the database can't be used.
    """
    listener = bind(settings)
    try:
        app = create_app(settings)
        config = uvicorn.Config(
            app,
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
        server = _Server(config, app, lambda: on_listening(address(listener)), on_ready)
        server.run([listener])
    finally:
        listener.close()
    if server.failure is not None and server.should_exit:
        raise server.failure


def bind(settings: Settings) -> socket.socket:
    """A listening socket.

    Raises:
        ServeError: the address is another program's, or not this machine's.
    """
    host, port = settings.host, settings.port
    try:
        family, kind, *_, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(BACKLOG)
    except OSError as error:
        reason = error.strerror or error
        raise ServeError(
            f"cannot listen on port {port} of {host} ({reason}); stop what uses it, or choose "
            "another port: --port 0 takes any that is free"
        ) from error
    listener.setblocking(False)
    return listener


def address(listener: socket.socket) -> str:
    """The URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """Uvicorn, for which a signal is a good end, and a database that can't be used a bad one."""

    def __init__(
        self,
        config: uvicorn.Config,
        app: FastAPI,
        on_listening: Callable[[], None],
        on_ready: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._parts: Services = app.state.services
        self._state = app.state
        self._on_listening = on_listening
        self._on_ready = on_ready
        self.failure: BaseException | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_listening()
        if self._parts.opening is not None:
            self._parts.opening.add_done_callback(self._opened)

    def _opened(self, opening: "asyncio.Future[object]") -> None:
        if opening.cancelled():
            return
        self.failure = opening.exception()
        if self.failure is None:
            self._state.store = opening.result()
            self._on_ready()
        elif not isinstance(
            self.failure, (ModuleNotFoundError, NameError)
        ):  # until the store is there
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
        self._parts.stopping = True
        super().handle_exit(sig, frame)


def configure_log() -> None:
    """Send the server's log to standard error, a line each."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    for name, level in (("leukoscope", logging.INFO), ("uvicorn", logging.ERROR)):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(level)
        logger.propagate = False
