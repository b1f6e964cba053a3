"""A real browser on a real server. One browser for all files, and one context for most tests.

Loading the page takes longer than most tests: those that only need a case of their own share the
page of their file, see `new_case`.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

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

# With one process for all pages, none has to start one.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--renderer-process-limit=1",
]
# The same browser without the code of its windows starts pages faster.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser")
SCREEN: ViewportSize = {"width": 1280, "height": 720}

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
NewCase = Callable[..., Desk]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, or a skip where there is none.

    Not for the whole session: until Playwright ends no other test can run an event loop. The suite
    takes the files of this folder one after another.
    """
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
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


@pytest.fixture(scope="package")
def shared_context(browser: Browser) -> Iterator[BrowserContext]:
    """One context for the pages of all tests; later pages start faster."""
    context = browser.new_context(viewport=SCREEN)
    context.new_page()  # keeps the process
    yield context
    context.close()


@pytest.fixture
def desk(
    browser: Browser, shared_context: BrowserContext, quick_server: Live
) -> Iterator[OpenDesk]:
    """Opens a page, on the quick server unless another is named; what went wrong fails the test.

    What a page stores is removed after the test. A page with options other than the size of its
    screen has a context of its own.
    """
    opened: list[Desk] = []

    def open_desk(
        server: Live | Inside | None = None,
        address: str = "",
        viewport: ViewportSize | None = None,
        **context: object,
    ) -> Desk:
        chosen = browser.new_context(**context) if context else shared_context
        page: Page = chosen.new_page()
        if viewport:
            page.set_viewport_size(viewport)
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


@pytest.fixture(scope="module")
def kept_desks(shared_context: BrowserContext) -> Iterator[dict[str, Desk]]:
    """The pages that the tests of a file share, by server."""
    kept: dict[str, Desk] = {}
    yield kept
    for one in kept.values():
        one.page.close()


@pytest.fixture
def new_case(
    kept_desks: dict[str, Desk], shared_context: BrowserContext, quick_server: Live
) -> Iterator[NewCase]:
    """Makes a case of files on a page that was loaded before, on the quick server or another.

    The page keeps its filters by case, and other choices in the browser's storage, which is emptied
    after the test. Dialogs close with the view.
    """
    made: list[Desk] = []

    def make(files: list[Path], server: Live | None = None) -> Desk:
        url = (server or quick_server).url.rstrip("/")
        if url not in kept_desks:
            kept_desks[url] = Desk(shared_context.new_page(), url)
        at = kept_desks[url]
        made.append(at)
        at.page.mouse.move(0, 0)
        at.go("#/")
        expect(at.page.locator(".home h1")).to_be_attached()
        at.add(files)
        expect(at.cards).to_have_count(len(files))
        at.dismiss()
        return at

    yield make
    for at in made:
        problems = at.problems.copy()
        at.problems.clear()
        at.page.unroute_all()
        at.page.set_viewport_size(SCREEN)
        at.page.emulate_media(color_scheme="light")
        at.forget()
        assert not problems, problems


@pytest.fixture
def quick_case(new_case: NewCase, cells: list[Path]) -> Desk:
    """A page with a case of 12 cells of three subjects or more."""
    return new_case(cells[::16][:12])
