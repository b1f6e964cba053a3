"""Files that the program itself wrote, read by native code: checkpoints and databases."""

from pathlib import Path

from leukoscope.app.limits import Limits
from leukoscope.app.store import Store
from tests.app.store.made import add, answer, new_case, open_store


def checkpoints(folder: Path) -> list[bytes]:
    """A checkpoint of a tiny network."""
    from torch import nn

    from leukoscope.training.network.checkpoint import save

    path = folder / "seed.safetensors"
    save(path, nn.Linear(3, 2), None, {"run": "a", "log": []})
    return [path.read_bytes()]


def read_checkpoint(path: Path) -> None:
    """Read its state and weights."""
    from torch import nn

    from leukoscope.training.network.checkpoint import load as load_checkpoint
    from leukoscope.training.network.checkpoint import read_state

    read_state(path)
    load_checkpoint(path, nn.Linear(3, 2))


def databases(folder: Path) -> list[bytes]:
    """A database with a case of two cells."""
    path = folder / "seed.sqlite3"
    store = open_store(f"sqlite:///{path}")
    add(store, new_case(store, name="case"), answer(1), answer(2), data=b"image")
    store.close()
    return [path.read_bytes()]


def open_database(path: Path) -> None:
    """Open it and read all cases."""
    for side in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + side).unlink(missing_ok=True)
    store = Store(f"sqlite:///{path}", Limits())
    try:
        store.open()
        for head in store.heads():
            store.case(head.id)
    finally:
        store.close()
