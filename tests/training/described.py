"""A cohort of descriptors without images: blasts differ in a few, persons in all of them."""

import numpy as np

from leukoscope.data.cohort import Cohort, make_cohort
from leukoscope.models.estimators.base import Estimator
from leukoscope.models.recipe.recipe import EstimatorRecipe, from_dict

DESCRIPTORS = 12
PERSONS = 6  # of each class
CELLS = 25  # of each person

# One candidate each, and few trees, so that a fit takes no time.
QUICK = {
    "logistic": {"c": 0.1},
    "svm": {"c": 1, "gamma": 0.3},
    "kernel": {"ridge": 0.3, "gamma": 0.3},
    "random-forest": {"trees": 20, "leaf": 3},
    "gradient-boosting": {"trees": 20, "depth": 2},
    "knn": {"neighbors": 9},
    "local": {"frequencies": 16, "ridge": 1e-4},
    "texture": {"frequencies": 32, "local_frequencies": 16},
}

ON_DESCRIPTORS = [name for name in QUICK if name not in ("local", "texture")]


def quick(estimator: str, **more: object) -> Estimator:
    """Settings of an estimator that fits at once."""
    tree = {"estimator": estimator, **QUICK[estimator], **more}
    recipe = from_dict({"name": "x", "classical": tree})
    assert isinstance(recipe, EstimatorRecipe)
    return recipe.classical


def drawn(seed: int = 0) -> tuple[Cohort, np.ndarray]:
    """The table, and float32 descriptors (N, F) of very different scales."""
    random = np.random.default_rng(seed)
    label = np.repeat([1, 0], PERSONS * CELLS)
    person = np.repeat(np.arange(2 * PERSONS), CELLS)
    values = random.normal(size=(len(label), DESCRIPTORS))
    values += random.normal(0, 0.5, (2 * PERSONS, DESCRIPTORS))[person]
    values[:, :3] += 1.5 * label[:, None]
    values = values * 10.0 ** np.arange(-3, DESCRIPTORS - 3) + 50
    table = {
        "path": [f"{row}.bmp" for row in range(len(label))],
        "label": label.tolist(),
        "subject": [f"{'' if number < PERSONS else 'H'}{number}" for number in person],
        "sha256": [f"{row:064x}" for row in range(len(label))],
    }
    return make_cohort(table, source="drawn"), values.astype(np.float32)
