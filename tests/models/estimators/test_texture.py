import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from leukoscope.core.errors import RecipeError
from leukoscope.data.imaging.image import Crop
from leukoscope.models.estimators.texture import Texture, TextureModel
from leukoscope.models.network import local_features
from leukoscope.models.network.texture import POOLED, orthogonal_frequencies
from leukoscope.models.recipe.recipe import from_dict
from tests.models.network.cells import grainy

SETTINGS = Texture(frequencies=40, local_frequencies=8, persons=0.0, ridge=1e-3)
RANDOM = np.random.default_rng(7)
PERSONS, EACH = 12, 15
PERSON = np.repeat(np.arange(PERSONS), EACH).astype(str)
LABEL = np.repeat(np.arange(PERSONS) % 2, EACH)
WEIGHTS = RANDOM.uniform(0.2, 2, len(LABEL))


def drawn() -> np.ndarray:
    """Values as of cells, which persons shift in one direction and the class in another."""
    shift = np.zeros((len(LABEL), POOLED))
    shift[:, :20] = 0.6 * LABEL[:, None]
    shift[:, 20:60] = RANDOM.normal(0, 1, PERSONS).repeat(EACH)[:, None]
    pooled = 3 + 2 * (shift + RANDOM.normal(size=shift.shape))
    features = RANDOM.uniform(-0.5, 0.5, (len(LABEL), 16)) + 0.2 * LABEL[:, None]
    measured = RANDOM.normal(size=(len(LABEL), local_features.MEASURES))
    measured[:, -1] = RANDOM.uniform(9.5, 10.6, len(LABEL))
    return np.concatenate([pooled, features, measured], axis=1).astype(np.float32)


VALUES = drawn()


def fitted(settings: Texture = SETTINGS) -> TextureModel:
    return settings.fit({}, VALUES, LABEL, WEIGHTS, person=PERSON, seed=0)


def early_logit(model: TextureModel) -> np.ndarray:
    return 2 * model.logit(VALUES) - model.local.logit(VALUES[:, POOLED:])


def test_without_the_penalty_it_is_ridge_regression_on_random_features() -> None:
    counts = WEIGHTS / WEIGHTS.sum()
    pooled = VALUES[:, :POOLED].astype(float)
    centered = pooled - counts @ pooled
    standard = centered / np.sqrt(counts @ centered**2)
    angle = standard @ orthogonal_frequencies(40, POOLED, SETTINGS.gamma).T
    features = np.concatenate([np.cos(angle), np.sin(angle)], axis=1) / np.sqrt(40)
    model = Ridge(alpha=1e-3, solver="cholesky").fit(features, 2 * LABEL - 1, counts)
    np.testing.assert_allclose(early_logit(fitted()), model.predict(features), atol=1e-7)


def test_the_penalty_draws_persons_of_a_class_together() -> None:
    def spread_of(penalty: float) -> float:
        logit = early_logit(fitted(Texture(frequencies=40, local_frequencies=8, persons=penalty)))
        means = np.array([logit[str(n) == PERSON].mean() for n in range(PERSONS)])
        within = np.mean([means[value::2].var() for value in (0, 1)])
        return float(within / (means[1::2].mean() - means[::2].mean()) ** 2)

    spreads = [spread_of(penalty) for penalty in (0, 1, 10)]
    assert spreads[0] > spreads[1] > spreads[2]


def test_a_class_of_one_person_has_no_spread() -> None:
    one = np.where(LABEL == 1, "1", PERSON)
    model = SETTINGS.fit({}, VALUES, LABEL, WEIGHTS, person=one, seed=0)
    assert np.isfinite(model.logit(VALUES)).all()


def test_the_network_answers_as_the_fit() -> None:
    cells = torch.from_numpy(np.stack([grainy(26 + 12 * n, 160, seed=n) for n in range(4)]))
    model = fitted()
    network = model.exportable(160).network  # type: ignore[attr-defined]
    with torch.inference_mode():
        for cell in cells:
            values = network.values(cell[None]).numpy()
            answer = network(cell[None])
            np.testing.assert_allclose(answer.logit, model.logit(values), atol=1e-4)
            np.testing.assert_allclose(
                answer.embedding, model.embedding(values), rtol=1e-4, atol=1e-3
            )
            mapped = answer.heatmap.mean(dim=(1, 2)).numpy() + model.cam_bias
            np.testing.assert_allclose(mapped, answer.logit, atol=1e-4)


def test_groups_cover_the_columns_they_name() -> None:
    groups = SETTINGS.groups()
    assert set(groups) == {"early layers", "local structure", "size"}
    assert max(groups["size"]) == VALUES.shape[1] - 1


@pytest.mark.parametrize("setting", ["ridge", "gamma", "local_gamma", "frequencies"])
def test_settings_out_of_range_are_refused(setting: str) -> None:
    with pytest.raises(RecipeError):
        from_dict({"name": "x", "classical": {"estimator": "texture", setting: 0}})


@pytest.mark.parametrize("side", [16, 17, 100, 450])
def test_a_crop_that_the_layers_cannot_halve_is_refused_with_the_recipe(side: int) -> None:
    recipe = from_dict({"name": "x", "classical": {"estimator": "texture"}})
    with pytest.raises(RecipeError, match="multiple of 16 from 32"):
        recipe.with_settings({"input.crop": side, "input.size": side})


def test_the_smallest_crop_that_is_accepted_can_be_measured() -> None:
    cell = np.zeros((32, 32, 3), np.uint8)
    cell[8:24, 8:24] = RANDOM.integers(60, 200, (16, 16, 3))
    assert np.isfinite(SETTINGS.measurements(Crop(32, 32)).measure(cell)).all()
