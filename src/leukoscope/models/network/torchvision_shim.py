"""Import timm where PyPI's torchvision lies beside a PyTorch built for the CPU alone.

That torchvision fails to load its compiled operators, then stumbles over two that it wants to
describe (`operator torchvision::nms does not exist`), and takes timm, which needs only its Python
parts, with it. Declaring the two is enough; nothing here ever calls them.
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
    """The package timm.

    Raises:
        ModuleNotFoundError: It is not installed.
    """
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if SYMPTOM not in str(error):
            raise
        _declare()
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]  # imported by half
    return importlib.import_module("timm")


def _declare() -> None:
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name in MISSING:
        if not hasattr(torch.ops.torchvision, name):
            library.define(f"{name}{SCHEMA}")  # type: ignore[no-untyped-call]
    _declared.append(library)
