"""A real browser on a real server. One browser for all files, and one context for most tests."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from leukoscope import make_synthetic
from leukoscope.core.files import sha256_file
from leukoscope.core.values import Abstention, Cells, Limit, OperatingPoint
from leukoscope.data.imaging.image import decode
from leukoscope.inference.model_file.card import OperatingCurve
from leukoscope.inference.model_file.hashes import pack_hashes
from leukoscope.inference.model_file.out_of_fold import OutOfFoldResult
from leukoscope.inference.rejection.image_checks import fit_ranges, image_quality
from tests import forked
from tests.app.conftest import clean_environment
from tests.app.live import Inside, Live, running
from tests.app.page.driver import PATIENCE, Desk
from tests.inference.subject.test_answer import MODEL
from tests.inference.tiny_model import tiny_card, write_tiny_model

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

# At a threshold of k / 100: a sensitivity of 1 - k / 100 and a specificity of (k / 100)^2.
GRID = [k / 100 for k in range(101)]
CURVE = OperatingCurve(tuple(1 - k for k in GRID), tuple(k * k for k in GRID))

# Of 12 cells spread over `cells`: 2 below, 7 between, 3 above.
LOW, HIGH = 0.519, 0.54

# Persons of a study, left out: two healthy ones and three with leukemia.
LEFT_OUT = tuple(
    OutOfFoldResult(name, label, 20, 900, 10, 10, 2, 0, 19, mean)
    for name, label, mean in (
        ("H1", "HEM", 0.2),
        ("H2", "HEM", 0.9),
        ("1", "ALL", 0.1),
        ("2", "ALL", 0.7),
        ("3", "ALL", 0.95),
    )
)

expect.set_options(timeout=PATIENCE)

OpenDesk = Callable[..., Desk]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, or a skip where there is none.

    Not for the whole session: until Playwright ends no other test can run an event loop. The suite
    takes the files of this folder one after another.
    """
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no chromium on this machine; install it to test the page")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path, args=ARGUMENTS, timeout=PATIENCE
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """200 synthetic cells of several subjects, drawn once, no two files the same."""
    folder = tmp_path_factory.mktemp("cells") / "drawn"
    make_synthetic(folder, persons=9, cells=25, seed=5)
    distinct = {path.read_bytes(): path for path in sorted(folder.rglob("*.bmp"), reverse=True)}
    return sorted(distinct.values())[:200]


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that answers at once, for the page is what is tested; half its calls are blasts."""
    point = OperatingPoint(0.53, 0.95, 0.96, 0.7, Cells("validation", 4, 300))
    card = tiny_card(
        operating_point=point, operating_curve=CURVE, subjects=MODEL, left_out=LEFT_OUT
    )
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.onnx", card=card)


@pytest.fixture(scope="session")
def cautious_file(cells: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that abstains between `LOW` and `HIGH`, and knows the looks of its cells."""
    card = tiny_card(
        operating_point=OperatingPoint(0.53, 0.95, 0.96, 0.7, Cells("validation", 4, 300)),
        operating_curve=CURVE,
        abstention=Abstention(
            "made up", Limit(LOW, 0.05, False, 4, 200), Limit(HIGH, 0.1, False, 2, 100)
        ),
        image_limits=fit_ranges([image_quality(decode(path)) for path in cells]),
        subjects=MODEL,
        left_out=LEFT_OUT,
        training=replace(tiny_card().training, hashes=pack_hashes([sha256_file(cells[0])])),
    )
    return write_tiny_model(tmp_path_factory.mktemp("cautious") / "tiny.onnx", card=card)


@pytest.fixture(scope="session")
def quick_server(tiny_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    home = tmp_path_factory.mktemp("home")
    with running(str(tiny_file), env=clean_environment(home), start=forked.start) as live:
        yield live


@pytest.fixture
def quick_case(desk: OpenDesk, cells: list[Path]) -> Desk:
    """A page with a case of 12 cells of three subjects or more."""
    at = desk()
    at.add(cells[::16][:12])
    expect(at.cards).to_have_count(12)
    at.dismiss()
    return at


@pytest.fixture(scope="package")
def shared_context(browser: Browser) -> Iterator[BrowserContext]:
    """One context for the pages of all tests; later pages start faster."""
    context = browser.new_context()
    context.new_page()  # keeps the process
    yield context
    context.close()


@pytest.fixture
def desk(
    browser: Browser, shared_context: BrowserContext, quick_server: Live
) -> Iterator[OpenDesk]:
    """Opens a page, on the quick server unless another is named; what went wrong fails the test.

    What a page stores is removed after the test. A page with options has a context of its own.
    """
    opened: list[Desk] = []

    def open_desk(
        server: Live | Inside | None = None, address: str = "", **context: object
    ) -> Desk:
        chosen = browser.new_context(**context) if context else shared_context
        page: Page = chosen.new_page()
        opened.append(Desk(page, (server or quick_server).url.rstrip("/")))
        opened[-1].go(address)
        return opened[-1]

    yield open_desk
    for one in opened:
        problems = one.problems
        if one.page.context is shared_context:
            one.forget()
            one.page.close()
        else:
            one.page.context.close()
        assert not problems, problems
