import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from leukoscope import read_cohort, train
from leukoscope.core.tables import read_table
from leukoscope.data.imaging.image import Crop, read_cell
from leukoscope.data.splits.partition import Split, write_split
from leukoscope.inference.model_file.model_file import load
from leukoscope.training.run import LOG, read_run
from tests.root import ROOT
from tests.training.tiny import FILE_SETTINGS, write_cells

CNN = FILE_SETTINGS | {"fit.epochs": 2, "loss.l2": 1e-3, "loss.class_weights": "balanced"}
# A backbone with batch norms, which see a half of every batch, in two stages.
TIMM = FILE_SETTINGS | {
    "network.architecture": "timm:test_efficientnet",
    "network.head": [8],
    "input.size": 64,
    "stages": [
        {"train": "head", "epochs": 1, "learning_rate": 0.01},
        {"train": "all", "epochs": 1, "learning_rate": {"backbone": 1e-3, "head": 1e-2}},
    ],
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """32 training cells, by 8: both processes have the same share of every batch; and the split."""
    folder = tmp_path_factory.mktemp("source")
    names = [f"{prefix}S{number}" for prefix in ("", "H") for number in range(1, 7)]
    part = {"5": "validation", "6": "test"}
    parts = {name: part.get(name[-1], "train") for name in names}
    write_split(Split("person", 0, "person", parts, leaky=False), folder / "split.json")
    return write_cells(folder / "cells", persons=6), folder / "split.json"


@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch without distributed")
@pytest.mark.parametrize("settings", [CNN, TIMM], ids=["cnn", "timm"])
def test_two_processes_train_what_one_does(
    settings: dict[str, Any], source: tuple[Path, Path], tmp_path: Path
) -> None:
    cells, split = source
    one = train(read_cohort(cells), "cnn-gap", out=tmp_path / "one", split=split, settings=settings)
    changes = [f"--set={name}={json.dumps(value)}" for name, value in settings.items()]
    command = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "leukoscope"]
    command += ["train", str(cells), "--recipe", "cnn-gap", "--out", str(tmp_path / "two")]
    ended = subprocess.run(
        [sys.executable, "-m", *command, "--split", str(split), *changes],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
            "GLOO_SOCKET_IFNAME": "lo" if sys.platform == "linux" else "lo0",
            "CUDA_VISIBLE_DEVICES": "",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert len(re.findall("epoch +1 ", ended.stderr)) == 1  # one process speaks

    two = read_run(tmp_path / "two")
    tested = np.flatnonzero(one.cohort["part"] == "validation")
    crop = Crop(one.recipe.input.crop, one.recipe.input.size)
    seen = np.stack([read_cell(one.cohort["path"][row], crop) for row in tested])
    logits = [load(run.model).run(seen).logit for run in (one, two)]
    np.testing.assert_allclose(logits[1], logits[0], atol=1e-4)
    rates = [read_table(run.folder / LOG)["validation_loss"] for run in (one, two)]
    np.testing.assert_allclose(rates[1], rates[0], atol=1e-4)
