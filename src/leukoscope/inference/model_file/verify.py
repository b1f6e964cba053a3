"""Checks of a model file against its card."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from leukoscope.core.errors import ModelFileError
from leukoscope.inference.model_file.model_file import ModelFile, load, read_opsets

RUN_SECONDS = 60.0  # for one call of the network, on at most eight small images
TOLERANCE = 1e-3  # of a logit: the same sum in another order rounds differently


@dataclass(frozen=True)
class Check:
    """One check of a model file and its result."""

    name: str
    passed: bool
    detail: str


def verify(path: Path | str) -> list[Check]:
    """Check a model file on synthetic images.

    Checks that the file opens with a valid card and the inputs and outputs that the card states;
    that logits are finite on black, white, gray and noise; that they do not depend on the other
    images in a batch; and, for exact heatmaps, that the mean of the map plus `cam_bias` is the
    logit.

    Returns:
        The checks, in order. If the first fails, it is the only one: no other can be done.
    """
    try:
        model = load(path, seconds=RUN_SECONDS, whole=True)
    except ModelFileError as error:
        return [Check("opens", False, str(error))]
    size, descriptors = model.card.input.size, model.card.descriptors
    inputs = f"cells uint8 (N, {size}, {size}, 3)"
    if descriptors is not None:
        inputs = f"features float32 (N, {len(descriptors.names)}), measured on cells of {size} px"
    opsets = ", ".join(f"{domain} {version}" for domain, version in read_opsets(path).items())
    checks = [
        Check("opens", True, f"operator sets: {opsets}"),
        Check("card", True, f"schema {model.card.schema}, {model.card.name}"),
        Check("input and outputs", True, inputs),
    ]
    images = model.inputs(_images(size))
    for check in (_finite, _batch_invariant, _cam):
        checks.append(_attempt(check, model, images))
    return checks


def _attempt(
    check: Callable[[ModelFile, np.ndarray], Check], model: ModelFile, inputs: np.ndarray
) -> Check:
    try:
        return check(model, inputs)
    except ModelFileError as error:
        return Check(check.__name__.strip("_").replace("_", " "), False, str(error))


def _images(size: int) -> np.ndarray:
    """Black, white, gray and five kinds of noise: uint8 (8, size, size, 3)."""
    generator = np.random.default_rng(0)
    plain = [np.full((size, size, 3), value) for value in (0, 255, 128)]
    noise = [generator.integers(0, high, (size, size, 3)) for high in (16, 64, 128, 256, 256)]
    return np.stack([*plain, *noise]).astype(np.uint8)


def _finite(model: ModelFile, inputs: np.ndarray) -> Check:
    out = model.run_inputs(inputs, heatmaps=True, embeddings=True)
    arrays = [a for a in (out.logit, out.heatmap, out.embedding) if a is not None]
    right = all(len(array) == len(inputs) for array in arrays)
    passed = right and all(bool(np.isfinite(array).all()) for array in arrays)
    return Check("finite", passed, "on black, white, gray and noise")


def _batch_invariant(model: ModelFile, inputs: np.ndarray) -> Check:
    together = model.run_batched(inputs).logit
    alone = model.run_inputs(inputs).logit  # in a call of its own for each image
    worst = float(np.max(np.abs(together - alone)))
    scale = max(1.0, float(np.max(np.abs(alone))))
    return Check(
        "batch invariant", worst <= TOLERANCE * scale, f"logits differ by at most {worst:.2g}"
    )


def _cam(model: ModelFile, inputs: np.ndarray) -> Check:
    if model.card.cam_bias is None:
        return Check("heatmap", True, "none: this model has no exact heatmap")
    out = model.run_inputs(inputs, heatmaps=True)
    assert out.heatmap is not None  # the card says cam, and load() found the output
    sums = out.heatmap.mean(axis=(1, 2), dtype=np.float64) + model.card.cam_bias
    worst = float(np.max(np.abs(sums - out.logit)))
    scale = max(1.0, float(np.max(np.abs(out.logit))))
    return Check(
        "heatmap",
        worst <= TOLERANCE * scale,
        f"its mean plus the bias differs from the logit by at most {worst:.2g}",
    )
