import os
import subprocess
import sys
from pathlib import Path

import pytest

from leukoscope.models.network.torchvision_shim import import_timm
from tests.root import ROOT

pytestmark = pytest.mark.slow(5)

BROKEN = """
import torch
from torchvision import half

@torch.library.register_fake("torchvision::nms")
def _(dets, scores, iou_threshold):
    return dets

@torch.library.register_fake("torchvision::qnms")
def _(dets, scores, iou_threshold):
    return dets
"""
WHOLE = """
import torch
torch.library.define("torchvision::nms", "(Tensor dets) -> Tensor")
"""
OTHER = "raise RuntimeError('another trouble')"
# One process imports PyTorch and forks another for each folder with a torchvision.
TRY = """
import os, sys
import torch
from leukoscope.models.network import torchvision_shim

def tried():
    try:
        print("timm", torchvision_shim.import_timm().__name__)
    except RuntimeError as error:
        print("refused", error)
    print("declared", len(torchvision_shim._declared))
    print(hasattr(torch.ops.torchvision, "qnms"))

for folder in sys.argv[1:]:
    child = os.fork()
    if not child:
        sys.path.insert(0, folder)
        with open(f"{folder}/printed", "w") as sys.stdout:
            tried()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, folder
"""
CASES = {
    "broken": (BROKEN, ["timm timm", "declared 1", "True"]),
    "whole": (WHOLE, ["timm timm", "declared 0", "False"]),
    "another": (OTHER, ["refused another trouble", "declared 0", "False"]),
}


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what was printed in each case."""
    place = tmp_path_factory.mktemp("cases")
    for case, (torchvision, _) in CASES.items():
        for name, content in (("torchvision", torchvision), ("timm", "")):
            (place / case / name).mkdir(parents=True)
            (place / case / name / "__init__.py").write_text(content)
        (place / case / "torchvision" / "half.py").write_text("")
    subprocess.run(
        [sys.executable, "-c", TRY, *(str(place / case) for case in CASES)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        check=True,
    )
    return place


@pytest.mark.parametrize("case", CASES)
def test_operators_are_declared_only_where_that_error_shows(case: str, tried: Path) -> None:
    """With a torchvision that fails as PyPI's beside a CPU torch, one that works, another error."""
    assert (tried / case / "printed").read_text().splitlines() == CASES[case][1]


def test_the_installed_timm_is_imported() -> None:
    assert import_timm().is_model("inception_v3")
