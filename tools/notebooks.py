"""Execute the notebooks, and write them without outputs.

    python tools/notebooks.py            # executes each; fails at the first error
    python tools/notebooks.py --clear    # removes outputs before a commit

The documentation shows them with the outputs of such an execution (tools/docs_hooks.py).
"""

import argparse
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

FOLDER = Path(__file__).parents[1] / "notebooks"
PATIENCE = 1200
"""Seconds that one cell may take; a busy machine needs many."""


def notebooks() -> list[Path]:
    """The notebooks in their order."""
    return sorted(FOLDER.glob("*.ipynb"))


def execute(path: Path, folder: Path) -> Any:
    """Execute a notebook in a kernel of its own.

    Args:
        path: The notebook.
        folder: Folder that it runs in and writes to; crops and measurements are kept there too.

    Returns:
        The notebook with its outputs, a `nbformat.NotebookNode`.

    Raises:
        CellExecutionError: A cell fails.
    """
    import nbformat
    from jupyter_client.manager import AsyncKernelManager
    from jupyter_core.utils import run_sync
    from nbclient import NotebookClient

    book = nbformat.read(path, as_version=4)
    # Sockets are files, so that no port is opened; their names may have 100 characters only.
    with TemporaryDirectory(prefix="nb") as sockets:
        kernel = AsyncKernelManager(
            kernel_name="python3", transport="ipc", connection_file=f"{sockets}/k.json"
        )
        client = NotebookClient(
            book, km=kernel, timeout=PATIENCE, startup_timeout=PATIENCE, resources={}
        )
        cache = str(folder / "cache")
        try:
            client.execute(cwd=str(folder), env={**os.environ, "LEUKOSCOPE_CACHE": cache})
        finally:  # the client ends only kernels that it made itself
            run_sync(kernel.shutdown_kernel)(now=True)
    return book


def to_markdown(book: Any, name: str) -> tuple[str, dict[str, bytes]]:
    """Convert an executed notebook to a page.

    Args:
        book: The notebook with its outputs.
        name: Start of the names of the pictures.

    Returns:
        The Markdown text, and its pictures by file name.
    """
    from nbconvert import MarkdownExporter

    text, resources = MarkdownExporter().from_notebook_node(
        book, resources={"unique_key": name, "output_files_dir": ""}
    )
    return text, dict(resources["outputs"])


def clear(path: Path) -> bool:
    """Remove outputs and counts of a stored notebook; True if it had any."""
    import nbformat

    book = nbformat.read(path, as_version=4)
    before = nbformat.writes(book, indent=1)
    for cell in book.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    after = nbformat.writes(book, indent=1)
    if after != before:
        path.write_text(f"{after}\n", "utf-8")
    return after != before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clear", action="store_true", help="Remove outputs; execute nothing.")
    only_clear = parser.parse_args().clear
    with TemporaryDirectory() as folder:
        for path in notebooks():
            if only_clear:
                print(f"{path.name}: {'cleared' if clear(path) else 'has no outputs'}")
            else:
                execute(path, Path(folder))
                print(f"{path.name}: executed")


if __name__ == "__main__":
    main()
