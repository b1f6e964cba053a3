"""What a person does at the page, for tests to read like it."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, expect

PATIENCE = 120_000  # milliseconds; a busy machine is slow, and waiting costs nothing
FILES = "input[type=file]:not([webkitdirectory])"
FOLDER = "input[type=file][webkitdirectory]"
Screen = tuple[int, int, Literal["light", "dark"]]
SCREENS: tuple[Screen, ...] = (
    (1440, 800, "light"),
    (768, 800, "dark"),
    (390, 800, "light"),
    (320, 800, "dark"),
)

# Messages leave after a few seconds, within which a slow machine may not have looked at them: they
# stay until a test says that the time is over. The waits are those of toast.js.
HOLD_MESSAGES = """(() => {
    const later = window.setTimeout;
    window.leaving = [];
    window.setTimeout = (work, wait, ...rest) =>
        wait === 7000 || wait === 3500 ? -window.leaving.push(work) : later(work, wait, ...rest);
})()"""

SETTLED = "!history.state?.dialogs || document.querySelector('dialog[open]') !== null"


@dataclass
class Desk:
    """A page at a server. `problems` holds console errors and requests to anywhere else."""

    page: Page
    url: str
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE)
        self.page.add_init_script(HOLD_MESSAGES)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", self._asked)

    def go(self, address: str = "") -> None:
        """Open an address, after a dialog that is closing has left the history."""
        # `wait_for_function` is refused by the policy of the page unless it is true at once.
        self.wait_for(lambda: bool(self.page.evaluate(SETTLED)))
        self.page.goto(f"{self.url}/{address}")
        expect(self.page.locator("main:not([aria-busy]) h1")).to_be_attached()

    def forget(self) -> None:
        """Remove everything that the page has stored."""
        origin = {"origin": self.url, "storageTypes": "all"}
        session = self.page.context.new_cdp_session(self.page)
        session.send("Storage.clearDataForOrigin", origin)

    def add(self, files: Path | Sequence[Path]) -> None:
        """Choose files, and wait until all are answered; earlier messages are closed."""
        self.dismiss()
        self.page.locator(FILES).first.set_input_files(files)
        expect(self.page.locator(".toast[data-name=uploaded]").last).to_be_visible()
        expect(self.page.locator(".progress")).to_be_hidden()

    def dismiss(self) -> None:
        """Close all messages, so that the next one is new."""
        self.page.evaluate("document.querySelectorAll('.toast .dismiss').forEach((b) => b.click())")

    def let_messages_leave(self) -> None:
        """Let so much time pass that those which leave by themselves do so."""
        assert self.page.evaluate("leaving.splice(0).map((leave) => leave()).length"), "none did"

    def screens(self, sizes: Sequence[Screen] = SCREENS) -> Iterator[None]:
        """Show the page on each screen, with all that moves at its end."""
        for width, height, scheme in sizes:
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.emulate_media(color_scheme=scheme)
            self.page.evaluate("document.getAnimations().forEach((one) => one.finish())")
            yield

    def wait_for(self, true: Callable[[], bool]) -> None:
        """Wait for what no locator can expect."""
        for _ in range(PATIENCE // 50):
            if true():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError("it never came")

    def named(self, name: str) -> None:
        """Name the open case, and wait until the server has it."""
        self.page.get_by_label("Name of the case").fill(name)
        with self.page.expect_response(lambda one: one.request.method == "PATCH", timeout=PATIENCE):
            self.page.keyboard.press("Enter")

    @property
    def cards(self) -> Locator:
        return self.page.locator(".card")

    @property
    def dialog(self) -> Locator:
        return self.page.locator("dialog[open]").last

    @property
    def case(self) -> str:
        """The id of the open case."""
        found = re.search(r"#/case/(.+)$", self.page.url)
        assert found, self.page.url
        return found[1]

    def card(self, name: str) -> Locator:
        return self.page.locator(f'.card:has(button[title$="{name}"])')

    def chip(self, verdict: str) -> Locator:
        return self.page.locator(f'.chip[data-verdict="{verdict}"]')

    def count(self, verdict: str) -> int:
        chip = self.chip(verdict)
        return int(chip.locator("strong").inner_text()) if chip.count() else 0

    def _heard(self, message: ConsoleMessage) -> None:
        # An answer with an error status is written to the console by the browser itself.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.problems.append(message.text)

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws") and parts.netloc != urlsplit(self.url).netloc:
            self.problems.append(f"a request to {request.url}")
