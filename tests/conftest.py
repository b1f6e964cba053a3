"""Settings of the whole suite, and what any test may ask for."""

import base64
import gc
import os
import shutil
import signal
import ssl
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from leukoscope.core.cores import usable_cores
from tests.postgresql import PostgreSQL, preferring, running_postgresql

# Tests run side by side on all cores: more threads in each only wait for one another. Read by
# PyTorch and BLAS as they are loaded, here and in processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Tests make many small files and databases, and each waits for the disk; for memory none waits. In
# all they take half a gigabyte.
MEMORY, ENOUGH = Path("/dev/shm"), 4 << 30
if (
    "TMPDIR" not in os.environ
    and os.access(MEMORY, os.W_OK | os.X_OK)
    and shutil.disk_usage(MEMORY).free > ENOUGH
):
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None  # asked for again

# A shell starts what runs in its background deaf to Ctrl-C, and whatever that starts inherits it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Collecting imports PyTorch and much else, and nothing of it is freed: passing over it again and
# again takes a second. The garbage collector starts afterwards.
gc.disable()

CNMC = "LEUKOSCOPE_CNMC"
# Folders whose files share what takes seconds to start: a browser, a process to fork from.
TOGETHER = ("tests/app/page", "tests/app", "tests/training/tuning")
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg=="
)

# No test fails because the machine is slow.
settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=50
)
settings.register_profile("thorough", settings.get_profile("unhurried"), max_examples=500)
settings.register_profile("quick", settings.get_profile("unhurried"), max_examples=20)
settings.load_profile("unhurried")


MARK_OF_FIXTURE = {
    "browser": "browser",
    "postgresql": "postgresql",
    "ray_cluster": "ray",
    "live_server": "server",
    "start_server": "server",
    "quick_server": "server",
}


class ByFileOrFolder(LoadFileScheduling):
    """A worker takes a file at a time, or all files of a folder in `TOGETHER`."""

    def _split_scope(self, nodeid: str) -> str:
        folder = next((one for one in TOGETHER if nodeid.startswith(f"{one}/")), None)
        return folder or super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFileOrFolder:
    """Deal out the tests to the workers of `-n`."""
    return ByFileOrFolder(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One worker more than cores for `-n auto`: some always wait, for a process or a page."""
    return usable_cores() + 1


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by what they need; begin with the files that share a browser, then the slowest.

    A slow file that is begun late would run alone at the end.
    """
    seconds: dict[Path, float] = {}
    browsing: set[Path] = set()
    for item in items:
        parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
        needs = {value for value in parameters if isinstance(value, str)}
        for fixture in needs.union(getattr(item, "fixturenames", ())) & MARK_OF_FIXTURE.keys():
            item.add_marker(MARK_OF_FIXTURE[fixture])
            if fixture == "browser":
                browsing.add(item.path)
        for mark in item.iter_markers("slow"):
            seconds[item.path] = max(seconds.get(item.path, 0), *mark.args)
    items.sort(key=lambda item: (item.path not in browsing, -seconds.get(item.path, 0)))


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what imports made, and run it more rarely.

    It took a tenth of the time of an export, for which PyTorch makes millions of objects.
    """
    gc.freeze()
    gc.set_threshold(200_000, 50, 1_000)
    gc.enable()


@pytest.fixture(autouse=True, scope="session")
def _undrawn() -> Iterator[object]:
    """Build figures without drawing them, which takes most of a report's time.

    Those of tests with the fixture `drawn`, and of commands in processes, are drawn.
    """
    try:
        from leukoscope.core import plot_style
    except ImportError:  # without the train extra nothing is drawn
        yield None
        return
    with pytest.MonkeyPatch.context() as patch:
        draw = plot_style.to_png
        patch.setattr(plot_style, "to_png", lambda *figure: PIXEL)
        yield draw


@pytest.fixture(autouse=True, scope="session")
def _one_registry() -> Iterator[None]:
    """Read PyTorch's table of ONNX operators once, and not for every export, half of whose time it
    takes for the networks of tests.

    Not where collecting imported no PyTorch, whose exporter takes seconds to import.
    """
    if "torch" not in sys.modules:
        yield
        return
    try:
        from torch.onnx._internal.exporter._registration import ONNXRegistry
    except ImportError:  # another version of PyTorch keeps it elsewhere
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            ONNXRegistry, "from_torchlib", staticmethod(cache(ONNXRegistry.from_torchlib))
        )
        yield


@pytest.fixture(autouse=True, scope="session")
def _one_tls_context() -> Iterator[None]:
    """Read the certificates that are trusted once, and not for every client of HTTP.

    That takes longer than most requests, none of which is encrypted here.
    """
    make = ssl.create_default_context
    once = cache(make)

    def context(*purpose: ssl.Purpose, **certificates: str) -> ssl.SSLContext:
        # Without a file, pg8000 makes one and changes it.
        return (once if "cafile" in certificates else make)(*purpose, **certificates)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", context)
        yield


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch, _undrawn: object) -> None:
    """Draw figures in this test, as users see them."""
    monkeypatch.setattr("leukoscope.core.plot_style.to_png", _undrawn)


@pytest.fixture(scope="session")
def cnmc_dir() -> Path:
    """The real C-NMC images, or a skip where they are absent."""
    named = os.environ.get(CNMC)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(named) if named else cache / "leukoscope" / "cnmc"
    if not folder.is_dir() or next(folder.rglob("*.bmp"), None) is None:
        pytest.skip(f"no C-NMC images in {folder}; set {CNMC} to a copy")
    return folder


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A real PostgreSQL server; skips where none is installed.

    Without `sslmode` in a URL it is not asked for encryption, for which every connection reads the
    certificates of this machine first; processes that tests start ask for it.
    """
    with running_postgresql() as server, preferring(False):
        yield server
