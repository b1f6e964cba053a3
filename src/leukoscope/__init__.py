"""Leukoscope tells leukemic blasts from normal lymphoid cells, and measures honestly how well.

Research use only. Not for diagnosis.

    import leukoscope as ls

    run = ls.train("C-NMC_Leukemia", recipe="cnn-gap")
    print(ls.evaluate(run).metrics["auroc"])
    ls.predict(["cells/"], run.model, out="results.csv")
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
__all__ = [
    "audit",
    "compare",
    "demo",
    "describe_data",
    "download",
    "evaluate",
    "explain",
    "leakage",
    "make_synthetic",
    "model_card",
    "model_checklist",
    "predict",
    "preview",
    "read_card",
    "read_cohort",
    "recalibrate",
    "report_data",
    "serve",
    "split",
    "train",
    "tune",
    "verify_data",
    "verify_model",
]


def __getattr__(name: str) -> Any:
    """Load the verbs when one is asked for, so that `import leukoscope` costs nothing."""
    if name in __all__:
        return getattr(import_module("leukoscope.api"), name)
    raise AttributeError(f"module 'leukoscope' has no attribute {name!r}")
