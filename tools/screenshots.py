"""Take the screenshots of the app for the documentation.

    python tools/screenshots.py            # writes docs/images/app-*.png

Needs Chromium and the dev extra. They show a real server with the shipped model and
the synthetic example cells, never other images.
"""

import argparse
import io
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

OUT = Path(__file__).parents[1] / "docs" / "images"
MAX_BYTES = 300_000
DESKTOP = {"viewport": {"width": 1440, "height": 900}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}


@contextmanager
def server() -> Iterator[str]:
    """Start a server that stores nothing, and yield its URL."""
    command = [sys.executable, "-m", "leukoscope", "serve"]
    process = subprocess.Popen(
        [*command, "--port", "0", "--ephemeral", "--no-open"], stderr=subprocess.PIPE, text=True
    )
    try:
        found = re.search(r"http://[\d.:]+", process.stderr.readline() if process.stderr else "")
        if found is None:
            raise SystemExit("The server did not start; try: leukoscope serve --ephemeral")
        yield found[0]
    finally:
        process.terminate()
        process.wait(60)


def example_case(page: Page, url: str) -> None:
    """Open the example cells and review some of them."""
    page.goto(url)
    page.get_by_role("button", name="Try the example cells").click()
    expect(page.locator(".card")).to_have_count(24)
    expect(page.locator(".toast[data-name=uploaded]")).to_be_visible()
    page.locator(".card .open").first.focus()
    for key in ("b", "ArrowRight", "b", "ArrowRight", "b", "ArrowRight", "n"):
        page.keyboard.press(key)
        page.wait_for_timeout(150)
    expect(page.locator(".mark:not(:empty)")).to_have_count(4)
    tidy(page)


def tidy(page: Page) -> None:
    """Remove messages, pointer and focus."""
    for button in reversed(page.locator(".toast .dismiss").all()):
        button.click()
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur()")
    page.wait_for_timeout(400)


def show_from(page: Page, selector: str) -> None:
    """Scroll an element to just below the header."""
    page.locator("#page").evaluate(
        "(one, selector) => one.scrollTo(0, one.querySelector(selector).offsetTop - 80)", selector
    )


def save(page: Page, name: str) -> None:
    """Save a screenshot with a palette of 256 colors."""
    with Image.open(io.BytesIO(page.screenshot())) as shot:
        path = OUT / f"app-{name}.png"
        shot.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE).save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.relative_to(OUT.parents[1])}  {size / 1000:.0f} kB")
    if size > MAX_BYTES:
        raise SystemExit(f"{path} is larger than {MAX_BYTES // 1000} kB; show less in it.")


def desktop(browser: Browser, url: str) -> None:
    page = browser.new_context(**DESKTOP, color_scheme="light").new_page()
    example_case(page, url)
    show_from(page, ".answers")
    save(page, "case")
    page.locator(".card .open").nth(4).click()
    page.get_by_role("checkbox", name="Heatmap").check()
    expect(page.locator(".heat-kind[data-kind=exact]")).to_be_visible()
    tidy(page)
    save(page, "cell")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Model").click()
    expect(page.locator("h1")).to_contain_text("Model")
    tidy(page)
    save(page, "model")
    page.get_by_role("link", name="Cases").click()
    expect(page.locator(".case-list li").first).to_be_visible()
    expect(page.locator(".thumbs img")).to_have_count(5)
    tidy(page)
    save(page, "home")


def phone(browser: Browser, url: str) -> None:
    page = browser.new_context(**PHONE, color_scheme="dark").new_page()
    example_case(page, url)
    show_from(page, ".toolbar")
    tidy(page)
    save(page, "phone")


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("No chromium found; install it first (Debian: apt install chromium).")
    OUT.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=60_000)
    with server() as url, sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        desktop(browser, url)
        phone(browser, url)
        browser.close()


if __name__ == "__main__":
    main()
