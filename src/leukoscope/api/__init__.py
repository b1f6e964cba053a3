"""The verbs: what Leukoscope does, each composed from the rooms below.

The command line and `import leukoscope` share them. Rooms that need the train extra are imported
inside the verb that uses them, so that predicting stays light.
"""

from leukoscope.api.compare import compare
from leukoscope.api.data import (
    audit,
    download,
    info,
    read_cohort,
    report_data,
    split,
    synthesize,
    verify_data,
)
from leukoscope.api.demo import demo
from leukoscope.api.evaluate import evaluate
from leukoscope.api.explain import explain
from leukoscope.api.leakage import leakage
from leukoscope.api.model_pages import model_card, model_checklist
from leukoscope.api.predict import predict, show_model, verify_model
from leukoscope.api.serve import serve
from leukoscope.api.train import preview, recalibrate, train
from leukoscope.api.tune import tune

__all__ = [
    "audit",
    "compare",
    "demo",
    "download",
    "evaluate",
    "explain",
    "info",
    "leakage",
    "model_card",
    "model_checklist",
    "predict",
    "preview",
    "read_cohort",
    "recalibrate",
    "report_data",
    "serve",
    "show_model",
    "split",
    "synthesize",
    "train",
    "tune",
    "verify_data",
    "verify_model",
]
