"""Run every step on synthetic cells, in a few minutes."""

import logging
from pathlib import Path

from leukoscope.api.data import audit, make_synthetic, report_data
from leukoscope.api.evaluate import evaluate
from leukoscope.api.predict import predict
from leukoscope.api.train import preview, train
from leukoscope.core.seeds import require_seed
from leukoscope.core.wording import count as counted

log = logging.getLogger(__name__)

# Small enough for about a minute on two cores; the recipe is otherwise `cnn-gap`.
SETTINGS = {
    "input.size": 128,
    "fit.epochs": 25,
    "fit.patience": 25,
    "fit.monitor": "loss",
    "fit.batch_size": 16,
    "optimizer.learning_rate": 3e-3,
}


def demo(out: Path | str = "demo", *, persons: int = 40, cells: int = 15, seed: int = 0) -> Path:
    """Draw synthetic cells, audit them, train, evaluate on persons it has not seen, and predict.

    Args:
        out: Folder for everything; run again, it continues where it stopped.
        persons: Number of persons.
        cells: Cells per person.
        seed: Random seed of the cells, the split and the training.

    Returns:
        The path of the evaluation report.
    """
    seed = require_seed(seed)
    folder = Path(out)
    log.info("1 of 6  Drawing synthetic cells (no real person's) ...")
    cohort = make_synthetic(folder / "cells", persons=persons, cells=cells, seed=seed)
    log.info("2 of 6  Auditing: copies, and persons with two ids ...")
    audited = audit(cohort, out=folder / "audit")
    for person, subjects in audited.linked.items():
        log.info(f"        {' and '.join(subjects)} are one person (named {person})")
    log.info("3 of 6  Drawing the data report and the augmentation preview ...")
    report_data(audited.cohort, folder / "data-report")
    preview(audited.cohort, "cnn-gap", out=folder / "preview.html")
    log.info("4 of 6  Training cnn-gap on half of the persons ...")
    run = train(audited.cohort, "cnn-gap", out=folder / "run", seed=seed, settings=SETTINGS)
    log.info("5 of 6  Evaluating it on persons it has not seen ...")
    evaluation = evaluate(run)
    log.info(f"        AUROC {evaluation.metrics['auroc']} on synthetic cells")
    log.info("6 of 6  Predicting images with the exported model ...")
    predictions = predict(folder / "cells", run.model, out=folder / "results.csv")
    counts = f"{counted(len(predictions), 'image')} predicted, {predictions.failed} failed"
    log.info(f"        {counts}: {folder / 'results.csv'}")
    return folder / "run" / "report.html"
