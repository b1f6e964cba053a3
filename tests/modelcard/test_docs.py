"""The pages on the shipped model are those of the model that ships."""

from pathlib import Path

import pytest

from leukoscope.inference.model_file.model_file import default_model, read_card
from tools.model_pages import DOCS, write_pages


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    write_pages(folder)
    return folder


@pytest.mark.parametrize("name", ["model-card.md", "checklist.md"])
def test_a_generated_page_is_up_to_date(name: str, fresh: Path) -> None:
    kept, made = (DOCS / name).read_text("utf-8"), (fresh / name).read_text("utf-8")
    assert kept == made, f"docs/{name} is stale: run `make cards` and commit it"


def test_the_story_of_the_shipped_model_is_about_that_model() -> None:
    text = (DOCS / "shipped-model.md").read_text("utf-8")
    assert f"`{read_card(default_model()).name}`" in text
    assert "(model-card.md)" in text, "figures stand on the generated page alone"
