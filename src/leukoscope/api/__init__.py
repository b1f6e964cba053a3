"""The verbs: what Leukoscope does, each composed from the rooms below.

The command line and `import leukoscope` share them. Rooms that need the train extra are imported
inside the verb that uses them, so that predicting stays light.
"""

from leukoscope.api.compare import compare
from leukoscope.api.data import (
    audit,
    describe_data,
    download,
    make_synthetic,
    read_cohort,
    report_data,
    split,
    verify_data,
)
from leukoscope.api.demo import demo
from leukoscope.api.evaluate import evaluate
from leukoscope.api.explain import explain
from leukoscope.api.leakage import leakage
from leukoscope.api.model_pages import model_card, model_checklist
from leukoscope.api.predict import predict, read_card, verify_model
from leukoscope.api.serve import serve
from leukoscope.api.train import preview, recalibrate, train
from leukoscope.api.tune import tune

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
