"""Hooks of the documentation build: the start page is the README, with links that fit its place."""

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
README_PAGE = "index.md"
# Links to files of the repository that are not pages of the site.
NOT_PAGES = re.compile(r"\[([^\]]+)\]\((CITATION\.cff|CONTRIBUTING\.md)\)")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Insert the README into the start page and make its links relative to `docs/`.

    Args:
        markdown: The text of a page.
        page: The page, with its source file.

    Returns:
        The text to render.
    """
    if page.file.src_uri != README_PAGE:
        return markdown
    text = markdown.replace('--8<-- "README.md"', (ROOT / "README.md").read_text("utf-8"))
    text = NOT_PAGES.sub(r"\1 (`\2`)", text)
    return text.replace("](docs/", "](")
