"""Import timm beside a PyTorch that is built for the CPU only and a torchvision from PyPI.

That torchvision cannot load its compiled operators and then fails to register two of them
(`operator torchvision::nms does not exist`). The import of timm, which needs only its Python parts,
fails with it. Declaring the two operators is enough; Leukoscope never calls them.
"""

import importlib
import sys
from types import ModuleType

import torch

SYMPTOM = "torchvision::nms does not exist"
MISSING = ("nms", "qnms")
SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"

_declared: list[torch.library.Library] = []  # operators live as long as their library


def import_timm() -> ModuleType:
    """Import the package timm.

    Raises:
        ModuleNotFoundError: timm is not installed.
    """
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if SYMPTOM not in str(error):
            raise
        _declare()
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]  # partially imported
    return importlib.import_module("timm")


def _declare() -> None:
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name in MISSING:
        if not hasattr(torch.ops.torchvision, name):
            library.define(f"{name}{SCHEMA}")  # type: ignore[no-untyped-call]
    _declared.append(library)
