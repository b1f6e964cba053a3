"""Hooks of the documentation build: the README, the generated reference, the executed notebooks."""

import re
import sys
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

sys.path.insert(0, str(Path(__file__).parents[1]))
from tools import notebooks
from tools.reference_pages import PARTS

ROOT = Path(__file__).parents[1]
README_PAGE = "index.md"
GENERATED = re.compile(r"<!-- generated: (\w+) -->")
# Links to files of the repository that are not pages of the site.
NOT_PAGES = re.compile(r"\[([^\]]+)\]\(((?:CITATION|CONTRIBUTING|SECURITY|CHANGELOG)\.\w+)\)")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Insert generated parts, or the README into the start page with links relative to `docs/`.

    Args:
        markdown: The text of a page.
        page: The page, with its source file.

    Returns:
        The text to render.
    """
    if page.file.src_uri != README_PAGE:
        return GENERATED.sub(lambda found: PARTS[found[1]](), markdown)
    text = markdown.replace('--8<-- "README.md"', (ROOT / "README.md").read_text("utf-8"))
    text = NOT_PAGES.sub(r"\1 (`\2`)", text)
    return text.replace("](docs/", "](")


def on_files(files: Any, config: Any) -> Any:
    """Add a page for each notebook, executed on synthetic cells, with its pictures.

    Raises:
        PluginError: A notebook shows no figure.
    """
    for path in notebooks.notebooks():
        text, pictures = _executed(path, path.read_bytes())
        if not pictures:
            raise PluginError(f"{path.name} shows no figure")
        files.append(File.generated(config, f"notebooks/{path.stem}.md", content=text))
        for name, content in pictures.items():
            files.append(File.generated(config, f"notebooks/{name}", content=content))
    return files


@lru_cache(maxsize=8)
def _executed(path: Path, _: bytes) -> tuple[str, dict[str, bytes]]:
    """Execute a notebook; `mkdocs serve` asks again only after its content changed."""
    with TemporaryDirectory() as folder:
        return notebooks.to_markdown(notebooks.execute(path, Path(folder)), path.stem)
