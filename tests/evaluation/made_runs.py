"""Measured runs for the tests of comparisons: as entries, and as whole run folders on disk."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from leukoscope.core.values import Cells, MetricResult, OperatingPoint
from leukoscope.data.cohort import Cohort, make_cohort, write_cohort
from leukoscope.data.splits.partition import Split, write_split
from leukoscope.evaluation.comparison.comparison import Entry
from leukoscope.evaluation.predictions import predictions_of
from leukoscope.evaluation.record import Evaluation, Protocol
from leukoscope.evaluation.summary import evaluate_table
from leukoscope.evaluation.table import scored_cells
from leukoscope.inference.model_file import card as cards
from leukoscope.inference.model_file.hashes import pack_hashes
from leukoscope.models.recipe.recipe import read_recipe, write_recipe
from leukoscope.training.network.log import Epoch, write_log
from tests.evaluation.tables import table
from tests.inference.tiny_model import tiny_card, write_tiny_model

POINT = OperatingPoint(0.4, 0.95, 0.96, 0.7, Cells("validation", 1, 30))
HONEST = Protocol(
    split="by person",
    model="cnn",
    split_seed=0,
    persons={"train": ("31", "H9"), "validation": ("31",), "test": ("1",)},
    cells={"train": 77},
)
LEAKY = replace(HONEST, split="by image", leaky=True)


def predictions(cells: int = 0, model: int = 0) -> Cohort:
    """What a model said of a set of cells; the better, the lower the remainder of its number."""
    columns = table(cells)
    random = np.random.default_rng((cells, model))
    noise = random.normal(0, 0.4 * (1 + model % 7), len(columns["label"]))
    p = 1 / (1 + np.exp(-(columns["logit"] / 1.5 + noise)))
    names = [f"{cells}/{path}" for path in columns["path"]]
    return make_cohort(
        {
            "path": names,
            "label": columns["label"],
            "subject": columns["subject"],
            "person": columns["person"],
            "sha256": [sha256(name.encode()).hexdigest() for name in names],
            "p_all": p,
        }
    )


def evaluated(answered: Cohort, protocol: Protocol = HONEST) -> Evaluation:
    return evaluate_table(
        scored_cells(answered.columns), operating_point=POINT, protocol=protocol, replicates=30
    )


def made_entry(
    name: str = "a", *, cells: int = 0, model: int = 0, protocol: Protocol = HONEST, **fields: Any
) -> Entry:
    """A run of `cnn` on one set of cells."""
    answered = predictions(cells, model)
    plain: dict[str, Any] = {
        "recipe": "cnn",
        "settings": (),
        "training": f"training-{cells}",
        "cohort": "cohort",
        "file_bytes": 1_500_000,
    }
    return Entry(
        name=name,
        evaluation=evaluated(answered, protocol),
        predictions=predictions_of(answered),
        **plain | fields,
    )


def write_measured_run(
    folder: Path,
    *,
    cells: int = 0,
    model: int = 0,
    recipe: str = "dense",
    protocol: Protocol = HONEST,
    epochs: int = 3,
    settings: dict[str, Any] | None = None,
) -> Path:
    """A run folder as `train` and `evaluate` leave it, with a tiny network in it."""
    folder.mkdir(parents=True)
    answered = predictions(cells, model)
    record = evaluated(answered, protocol)
    write_recipe(read_recipe(recipe).with_settings(settings or {}), folder / "recipe.yaml")
    kind = protocol.split.removeprefix("by ")
    parts = {"31": "train", "H9": "train", **dict.fromkeys(answered.unique("person"), "test")}
    own = Split(kind, protocol.split_seed or 0, "person", parts, protocol.leaky)
    write_split(own, folder / "split.json")
    cohort = answered.with_columns(part=["test"] * len(answered))
    write_cohort(cohort, folder / "cohort.csv")
    write_cohort(answered, folder / "predictions.csv")
    (folder / "report.json").write_text(record.to_json(), "utf-8")
    log = [Epoch(k + 1, 1, 1e-3, 0.5, 0.6, 0.8, 0.7, 0.7, 0.7, 50.0, 2.0) for k in range(epochs)]
    write_log(log, folder / "log.csv")
    seen = sha256(f"trained {cells}".encode()).hexdigest()
    tested = Cells("test", 11, len(answered))
    measured = MetricResult.of(record.metrics["auroc"], tested)
    training = cards.Training(
        split=own.reference,
        persons={"train": ("31", "H9"), "validation": ("31",)},
        subjects=("31", "H9"),
        hashes=pack_hashes([seen]),
        cells={"train": {"ALL": 50, "HEM": 27}},
        synthetic=False,
    )
    card = tiny_card(training=training, results={"auroc": measured})
    write_tiny_model(folder / "model.onnx", card=card, seed=model)
    return folder
