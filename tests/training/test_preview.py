import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leukoscope.core.errors import RESEARCH_USE, CohortError
from leukoscope.data.cohort import Cohort, make_cohort
from leukoscope.models.recipe.recipe import NetworkRecipe, read_recipe, recipe_names
from leukoscope.models.recipe.settings import Augment
from leukoscope.training.preview import describe_augmentation, write_preview

RECIPE = NetworkRecipe("shown").with_settings(
    {"input.crop": 40, "input.size": 40, "network.widths": [4]}
)


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    """Six persons of each class, two cells each; a person named as no HTML should hold it."""
    rng = np.random.default_rng(0)
    table: dict[str, list] = {"path": [], "label": [], "subject": []}
    for label in (1, 0):
        for number in range(12):
            path = tmp_path / f"{label}-{number}.png"
            Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(path)
            table["path"].append(path)
            table["label"].append(label)
            table["subject"].append(f"{'' if label else 'H'}<{number // 2}>")
    return make_cohort(table, source="a < b")


def shown_persons(page: str) -> list[str]:
    return re.findall(r"<figcaption>\w+, person (.*?)</figcaption>", page)


def test_eight_cells_of_eight_persons_with_seven_versions_each(
    cohort: Cohort, tmp_path: Path
) -> None:
    path = write_preview(cohort, RECIPE, tmp_path / "sheet" / "p.html")
    page = path.read_text()
    assert page.count("<img ") == 8 * (1 + 7)
    persons = shown_persons(page)
    assert len(persons) == len(set(persons)) == 8
    assert sum("H&lt;" in person for person in persons) == 4
    assert describe_augmentation(RECIPE.augment) in page
    assert RESEARCH_USE in page
    assert "<5>" not in page
    assert "a < b" not in page


def test_the_seed_decides(cohort: Cohort, tmp_path: Path) -> None:
    first, again, other = (
        write_preview(cohort, RECIPE, tmp_path / f"{name}.html", seed=seed).read_text()
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert first == again != other


def test_unreadable_cells_are_passed_over(cohort: Cohort, tmp_path: Path) -> None:
    for path in cohort.paths[:11]:
        path.write_bytes(b"")
    page = write_preview(cohort, RECIPE, tmp_path / "p.html").read_text()
    assert page.count("<img ") == 5 * 8


def test_one_person_alone_fills_the_sheet(cohort: Cohort, tmp_path: Path) -> None:
    alone = cohort.select(np.arange(12)).with_columns(person=["1"] * 12)
    page = write_preview(alone, RECIPE, tmp_path / "p.html").read_text()
    assert shown_persons(page) == ["1"] * 4


def test_nothing_to_show_is_said(cohort: Cohort, tmp_path: Path) -> None:
    unlabeled = cohort.with_columns(label=np.full(len(cohort), -1, dtype=np.int8))
    with pytest.raises(CohortError, match="nothing to preview"):
        write_preview(unlabeled, RECIPE, tmp_path / "p.html")
    assert not (tmp_path / "p.html").exists()


RECIPES = [read_recipe(name) for name in recipe_names()]


@pytest.mark.parametrize(
    "recipe", [recipe for recipe in RECIPES if isinstance(recipe, NetworkRecipe)], ids=str
)
def test_the_augmentation_of_every_recipe_is_described(recipe: NetworkRecipe) -> None:
    words = describe_augmentation(recipe.augment)
    assert "rotated by up to 180 degrees" in words
    assert "blur" not in words


def test_no_change_at_all_in_words() -> None:
    assert describe_augmentation(Augment(0, False, 0, 0, 0, 0, 0)) == "none"
    assert describe_augmentation(Augment(0, False, 0, 0, 0, 0, 1.5)).endswith("up to 1.5 px")
