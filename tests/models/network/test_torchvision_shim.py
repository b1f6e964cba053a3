import os
import subprocess
import sys
from pathlib import Path

import pytest

from leukoscope.models.network.torchvision_shim import import_timm
from tests.root import ROOT

pytestmark = pytest.mark.slow(10)

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
TRY = """
import torch
from leukoscope.models.network import torchvision_shim
from tests.root import ROOT
try:
    print("timm", torchvision_shim.import_timm().__name__)
except RuntimeError as error:
    print("refused", error)
print("declared", len(torchvision_shim._declared))
print(hasattr(torch.ops.torchvision, "qnms"))
"""


@pytest.mark.parametrize(
    ("torchvision", "says"),
    [
        (BROKEN, ["timm timm", "declared 1", "True"]),
        (WHOLE, ["timm timm", "declared 0", "False"]),
        (OTHER, ["refused another trouble", "declared 0", "False"]),
    ],
    ids=["broken", "whole", "another"],
)
def test_operators_are_declared_only_where_that_error_shows(
    torchvision: str, says: list[str], tmp_path: Path
) -> None:
    """With a torchvision that fails as PyPI's beside a CPU torch, one that works, another error."""
    for name, content in (("torchvision", torchvision), ("timm", "")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(content)
    (tmp_path / "torchvision" / "half.py").write_text("")
    done = subprocess.run(
        [sys.executable, "-c", TRY],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT / "src")])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == says


def test_the_installed_timm_is_imported() -> None:
    assert import_timm().is_model("inception_v3")
