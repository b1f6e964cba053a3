"""Settings of the whole suite, and what any test may ask for."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.postgresql import PostgreSQL, running_postgresql

# Tests run side by side, one to a core: more threads in each only wait for one another. Read by
# PyTorch and BLAS as they are loaded, here and in processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell starts what runs in its background deaf to Ctrl-C, and whatever that starts inherits it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

CNMC = "LEUKOSCOPE_CNMC"

# No test fails because the machine is slow.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


# A worker takes a file at a time. The slowest come first, or one would be left over at the end; in
# a list, for a file with few tests may be slow and one with many quick.
SLOWEST = (
    "api/test_tune.py",
    "app/page/test_lasting.py",
    "training/estimators/test_train.py",
    "data/audit/test_audit.py",
    "training/test_distributed.py",
    "app/store/test_together.py",
    "api/test_train_evaluate.py",
    "data/overview/test_report.py",
    "api/test_leakage.py",
    "api/test_backbones.py",
    "training/tuning/test_worker.py",
    "models/network/test_backbones.py",
    "training/network/test_export.py",
    "app/test_cases.py",
    "app/page/test_case.py",
    "app/page/test_upload.py",
    "app/page/test_access.py",
    "app/page/test_maps.py",
    "app/page/test_review.py",
    "app/page/test_verdicts.py",
    "evaluation/report/test_report.py",
    "api/test_compare.py",
    "data/test_synthetic.py",
    "app/test_client.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slowest files first."""
    here = Path(__file__).parent
    place = {here / name: number for number, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: place.get(item.path, len(SLOWEST)))


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
    """A real PostgreSQL server; skips where none is installed."""
    with running_postgresql() as server:
        yield server
