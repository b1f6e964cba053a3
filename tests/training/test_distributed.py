import json
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from leukoscope import read_cohort, train
from leukoscope.core.console_log import log_to_stderr
from leukoscope.core.cores import usable_cores
from leukoscope.core.errors import TrainingError
from leukoscope.core.tables import read_table
from leukoscope.data.imaging.image import Crop, read_cell
from leukoscope.data.splits.partition import Split, write_split
from leukoscope.inference.model_file.model_file import load
from leukoscope.models.network.networks import build
from leukoscope.models.network.onnx_export import TrainedNetwork
from leukoscope.models.recipe.recipe import NetworkRecipe, Recipe
from leukoscope.training.network import checkpoint
from leukoscope.training.network import train as training
from leukoscope.training.network.distributed import lost_process_is_said
from leukoscope.training.run import LAST, LOG, read_run
from tests.ports import free_port
from tests.root import ROOT
from tests.training.tiny import FILE_SETTINGS, tiny_cohort, write_cells

pytestmark = pytest.mark.slow(18)

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


SETTINGS = {"cnn": CNN, "timm": TIMM}


@pytest.fixture(autouse=True)
def _same_signal_afterwards() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


# Both trainings in one start of the processes, which torchrun's own agent forks from one that has
# imported PyTorch; torchrun itself would import it three times.
BOTH = """
import json, os, signal, sys
import torch
import onnxscript, sklearn.metrics, torch._dynamo  # each process would import them
from torch.distributed.launcher.api import LaunchConfig, elastic_launch
import leukoscope.training.network.fit as fit, leukoscope.training.network.export
import leukoscope.training.network.train
from leukoscope.models.network.torchvision_shim import import_timm
from leukoscope.cli.main import main

import_timm()
leukoscope.training.network.train.try_export = lambda recipe: None  # not the subject, and slow

def leave_out_model_file():
    leukoscope.training.network.train.package_model = lambda *arguments, **others: None
    leukoscope.training.network.train.final_values = lambda card: {}

def train(trainings):
    for number, arguments in enumerate(trainings):
        if number > 0:  # one file tells enough of files
            leave_out_model_file()
        try:
            main(arguments)
        except SystemExit as end:
            if end.code:
                raise

config = LaunchConfig(
    min_nodes=1, max_nodes=1, nproc_per_node=2, start_method="fork", run_id="test",
    rdzv_backend="c10d", rdzv_endpoint="localhost:0",
)

def kill_in_second_epoch():
    order = fit.epoch_order
    def killing(*arguments, epoch, **others):
        if epoch == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return order(*arguments, epoch=epoch, **others)
    fit.epoch_order = killing

def without_agent(training, port, kill):  # which ends the survivor before it can speak
    processes = []
    for rank in ("0", "1"):
        process = os.fork()
        if not process:
            os.environ |= {
                "RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2",
                "GROUP_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port,
                "TORCHELASTIC_RUN_ID": "test",
            }
            if kill and rank == "1":
                kill_in_second_epoch()
            try:
                main(training)
                code = 0
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 1
            sys.stderr.flush()
            os._exit(code or 0)
        processes.append(process)
    return [os.waitstatus_to_exitcode(os.waitpid(one, 0)[1]) for one in processes]

trainings, killed, ports = json.loads(sys.argv[1])
elastic_launch(config, train)(trainings)
ended = without_agent(killed, ports[0], kill=True)
assert ended[0] > 0 and ended[1] == -signal.SIGKILL, ended
print("the job ended", file=sys.stderr)
# Of what was killed, the weights and the log are compared: its file would be that of the others.
leave_out_model_file()
ended = without_agent(killed, ports[1], kill=False)
assert ended == [0, 0], ended
"""


@pytest.fixture(scope="module")
def trained(
    source: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """A folder with a run of two processes for each of SETTINGS, and what they printed.

    The first has a model file.
    """
    if not torch.distributed.is_available():
        pytest.skip("torch without distributed")
    cells, split = source
    folder = tmp_path_factory.mktemp("two")
    (folder / "both.py").write_text(BOTH)

    def command(name: str, own: dict[str, Any]) -> list[str]:
        return [
            "train",
            str(cells),
            "--recipe",
            "cnn-gap",
            "--out",
            str(folder / name),
            "--split",
            str(split),
            *(f"--set={key}={json.dumps(value)}" for key, value in own.items()),
        ]

    trainings = [command(name, own) for name, own in SETTINGS.items()]
    killed = command("killed", CNN)
    ended = subprocess.run(
        [
            sys.executable,
            str(folder / "both.py"),
            json.dumps([trainings, killed, [str(free_port()) for _ in range(2)]]),
        ],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
            "GLOO_SOCKET_IFNAME": "lo" if sys.platform == "linux" else "lo0",
            "CUDA_VISIBLE_DEVICES": "",
            "TMPDIR": str(folder),  # the launcher leaves a folder
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return folder, ended.stderr


def test_one_process_of_two_speaks(trained: tuple[Path, str]) -> None:
    assert len(re.findall("epoch +1 ", trained[1])) == len(SETTINGS) + 1


def test_a_killed_process_ends_the_job_with_a_line(trained: tuple[Path, str]) -> None:
    before, ended, _ = trained[1].partition("the job ended")
    assert ended
    (line,) = re.findall(".*another one ended.*", before)
    assert "resumes after the last complete epoch" in line


def test_what_was_killed_resumes_exactly(trained: tuple[Path, str]) -> None:
    whole, resumed = trained[0] / "cnn", trained[0] / "killed"
    assert (resumed / LAST).read_bytes()  # written by one process, whole
    weights = [load_file(folder / LAST) for folder in (whole, resumed)]
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    logs = [read_table(folder / LOG) for folder in (whole, resumed)]
    for name in ("epoch", "train_loss", "validation_loss", "validation_auroc"):
        assert logs[0][name].tolist() == logs[1][name].tolist()


@pytest.mark.parametrize(
    ("world", "problem", "expected"),
    [
        ("2", "[../gloo/transport/tcp/pair.cc:534] Connection closed by peer", TrainingError),
        ("2", "NCCL communicator was aborted", TrainingError),
        ("2", "mat1 and mat2 shapes cannot be multiplied", RuntimeError),
        ("1", "gloo", RuntimeError),
    ],
)
def test_only_a_lost_connection_is_told_as_one(
    world: str, problem: str, expected: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", world)
    with pytest.raises(expected) as caught, lost_process_is_said(Path("run")):
        raise RuntimeError(problem)
    assert isinstance(caught.value, TrainingError) == (expected is TrainingError)


@pytest.mark.parametrize("name", SETTINGS)
def test_two_processes_train_what_one_does(
    name: str,
    source: tuple[Path, Path],
    trained: tuple[Path, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training, "try_export", lambda recipe: None)
    has_file = name == "cnn"
    if not has_file:
        monkeypatch.setattr(training, "package_model", lambda *arguments, **others: None)
        monkeypatch.setattr(training, "final_values", lambda card: {})
    cells, split = source
    settings = SETTINGS[name]
    one = train(read_cohort(cells), "cnn-gap", out=tmp_path / "one", split=split, settings=settings)
    folders = (one.folder, trained[0] / name)
    tested = np.flatnonzero(one.cohort["part"] == "validation")
    crop = Crop(one.recipe.input.crop, one.recipe.input.size)
    seen = np.stack([read_cell(one.cohort["path"][row], crop) for row in tested])
    logits = [trained_logits(folder, one.recipe, seen) for folder in folders]
    np.testing.assert_allclose(logits[1], logits[0], atol=1e-4)
    if has_file:
        logits = [load(read_run(folder).model).run(seen).logit for folder in folders]
        np.testing.assert_allclose(logits[1], logits[0], atol=1e-4)
    rates = [read_table(folder / LOG)["validation_loss"] for folder in folders]
    np.testing.assert_allclose(rates[1], rates[0], atol=1e-4)


def trained_logits(folder: Path, recipe: Recipe, cells: np.ndarray) -> np.ndarray:
    """Of the network after the last epoch."""
    assert isinstance(recipe, NetworkRecipe)
    network = build(recipe)
    checkpoint.load(folder / LAST, network)
    return TrainedNetwork(network.eval(), recipe.input.size).file_logits(cells)


def test_the_signal_of_torchrun_ends_a_process_with_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(TrainingError, match="resumes"), lost_process_is_said(Path("run")):
        signal.raise_signal(signal.SIGTERM)


def test_a_training_that_was_not_stopped_leaves_the_signal_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    before = signal.getsignal(signal.SIGTERM)
    with lost_process_is_said(Path("run")):
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_several_processes_refuse_images_that_were_not_audited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(TrainingError, match="leukoscope data audit"):
        train(tiny_cohort()[0], "cnn-gap", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_processes_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = usable_cores()
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert usable_cores() == max(1, alone // 2)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "10000")
    assert usable_cores() == 1


@pytest.mark.parametrize(("rank", "levels"), [("0", {"INFO", "ERROR"}), ("1", {"ERROR"})])
def test_the_first_process_speaks_and_all_tell_errors(
    rank: str,
    levels: set[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("RANK", rank)
    with log_to_stderr():
        for level in ("INFO", "ERROR"):
            logging.getLogger("leukoscope.training").log(getattr(logging, level), level)
    assert set(capsys.readouterr().err.split()) == levels
