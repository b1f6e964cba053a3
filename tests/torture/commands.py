"""Small commands of every kind on small cells, and what a user may see when one fails."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from leukoscope.core.errors import LeukoscopeError
from leukoscope.core.parts import PART
from leukoscope.core.tables import SUFFIXES, read_table
from leukoscope.inference.model_file.model_file import load
from tests.inference.tiny_model import write_tiny_model
from tests.root import ROOT
from tests.training.tiny import FILE_SETTINGS, SCALE, SIZE, write_cells

PATIENCE = 300  # seconds for a command on a machine that is busy
SIDE = SIZE * SCALE
WHOLE = (0, 2, 3, 4, 130)  # exit codes of a command that ended by itself


@dataclass(frozen=True)
class Place:
    """A folder with cells, recipes and a model, and the commands on them."""

    folder: Path

    @property
    def cells(self) -> Path:
        return self.folder / "cells"

    @property
    def table(self) -> Path:
        return self.cells / "cohort.csv"

    def commands(self, out: Path) -> dict[str, list[str]]:
        """The arguments of each command, writing below `out`."""
        table, recipes = str(self.table), self.folder
        split = ("--split", "subject")
        return {
            "audit": ["data", "audit", table, "--out", str(out / "audit")],
            "predict": [
                *("predict", str(self.folder / "tiny.onnx"), str(self.cells)),
                *("--out", str(out / "predictions.csv")),
            ],
            "predict to Parquet": [
                *("predict", str(self.folder / "tiny.onnx"), str(self.cells)),
                *("--out", str(out / "predictions.parquet")),
            ],
            "train an estimator": [
                *("train", table, "--recipe", str(recipes / "logistic.yaml"), *split),
                *("--out", str(out / "logistic")),
            ],
            "train a network": [
                *("train", table, "--recipe", str(recipes / "network.yaml"), *split),
                *("--out", str(out / "network")),
            ],
            "tune": [
                *("tune", table, "--recipe", str(recipes / "logistic.yaml"), *split),
                *("--trials", "3", "--vary", "classical.c=1e-3..1:log"),
                *("--out", str(out / "study")),
            ],
        }


def prepare(folder: Path) -> Place:
    """Draw cells and write recipes and a model into a new folder."""
    write_cells(folder / "cells", persons=6, cells=3)
    write_tiny_model(folder / "tiny.onnx")
    crop = {"crop": SIDE, "size": SIDE}
    recipes = {
        "logistic": {"input": crop, "classical": {"estimator": "logistic", "c": 0.1}},
        "network": _nested({**FILE_SETTINGS, "fit.epochs": 3}),
    }
    for name, recipe in recipes.items():
        text = yaml.safe_dump({"name": name, **recipe})
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return Place(folder)


def _nested(settings: Mapping[str, object]) -> dict[str, dict[str, object]]:
    nested: dict[str, dict[str, object]] = {}
    for name, value in settings.items():
        group, field = name.split(".")
        nested.setdefault(group, {})[field] = value
    return nested


def environment(home: Path, **changes: str | None) -> dict[str, str]:
    """Variables of a command with a home of its own; None removes one."""
    own = {name: value for name, value in os.environ.items() if "LEUKOSCOPE" not in name}
    own |= {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_DATA_HOME": str(home / ".local"),
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
        "OMP_NUM_THREADS": "1",
    }
    for name, value in changes.items():
        own.pop(name, None)
        if value is not None:
            own[name] = value
    return own


def start(
    arguments: Sequence[str],
    env: Mapping[str, str],
    *,
    cwd: Path | None = None,
    before: Callable[[], None] | None = None,
    prefix: Sequence[str] = (),
) -> "subprocess.Popen[str]":
    """Start a command that hears Ctrl-C; `before` runs in its process."""

    def prepared() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if before is not None:
            before()

    return subprocess.Popen(
        [*prefix, sys.executable, "-m", "leukoscope", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=dict(env),
        cwd=cwd,
        preexec_fn=prepared,
    )


def impolite(code: int, err: str) -> list[str]:
    """What a user should not have seen of a command that ended by itself."""
    problems = []
    if code not in WHOLE:
        problems.append(f"exit code {code}")
    problems += [word for word in ("Traceback", "This is a bug", ".part") if word in err]
    if problems:
        problems = [f"{', '.join(problems)} [{' '.join(err.split())[-300:]}]"]
    return problems


def damaged(folder: Path) -> list[str]:
    """Files below a folder that are neither whole nor hidden parts of killed writers."""
    problems = []
    for path in folder.rglob("*"):
        if not path.is_file() or PART.fullmatch(path.name) or path.stat().st_size == 0:
            continue
        try:
            if path.suffix == ".onnx" and load(path).card.operating_point is None:
                problems.append(f"{path.name} is not calibrated")
            elif path.suffix in SUFFIXES:
                read_table(path)
            elif path.suffix == ".html" and not re.search(r"</html>\s*$", path.read_text("utf-8")):
                problems.append(f"{path.name} is cut off")
        except (LeukoscopeError, ValueError, OSError) as error:
            problems.append(f"{path.name}: {error}")
    return problems


def parts(folder: Path) -> list[str]:
    """Names of the temporary files below a folder."""
    return sorted(path.name for path in folder.rglob("*") if PART.fullmatch(path.name))
