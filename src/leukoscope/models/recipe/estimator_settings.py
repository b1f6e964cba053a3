"""Settings of the classical recipes: an estimator on measured descriptors instead of a network.

A setting that is a list holds candidates. The training chooses among them by cross-validation over
the persons of the training part, so no figure on other persons has a hand in it; one value alone is
taken as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import product
from typing import Any, Literal

from leukoscope.core.errors import RecipeError
from leukoscope.data.descriptors import GROUPS, NAMES, names_without
from leukoscope.models.recipe.settings import Input, read_settings

# Every official training image as it is, and the center of a larger one.
WHOLE_FRAME = Input(crop=450, size=450)

Weights = Literal["cell", "class", "person"]


@dataclass(frozen=True, kw_only=True)
class Classical:
    """What all estimators have.

    Attributes:
        estimator: Which one.
        weights: What counts the same in sum: every "cell", both classes ("class"), or, within each
            class, every "person" as well.
        leave_out: Descriptors the model is not given, by name or by group.
        folds: Parts of the cross-validation over training persons that chooses among candidates.
    """

    estimator: str
    weights: Weights = "class"
    leave_out: tuple[str, ...] = ()
    folds: int = 5

    def lists(self) -> dict[str, tuple[float, ...]]:
        """The settings that hold candidates."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: value
            for name, value in values.items()
            if isinstance(value, tuple) and name != "leave_out"
        }

    def candidates(self) -> list[dict[str, float]]:
        """Every combination of the settings that are lists, the first of each list first."""
        lists = self.lists()
        return [dict(zip(lists, chosen, strict=True)) for chosen in product(*lists.values())]

    def descriptors(self) -> tuple[str, ...]:
        """The names of those the model is given."""
        return names_without(self.leave_out)

    def rules(self) -> list[tuple[bool, str]]:
        """What must hold, each with its words."""
        known = set(self.leave_out) <= {*GROUPS, *NAMES}
        return [
            (2 <= self.folds <= 100, "classical.folds: from 2 to 100"),
            (
                known and bool(self.descriptors()),
                f"classical.leave_out: descriptors, or some of the groups {', '.join(GROUPS)}",
            ),
            *(
                (bool(values) and min(values) > 0, f"classical.{name}: one or more above 0")
                for name, values in self.lists().items()
            ),
        ]


@dataclass(frozen=True, kw_only=True)
class Logistic(Classical):
    """Logistic regression on standardized descriptors. `c`: inverse of the L2 penalty."""

    estimator: Literal["logistic"] = "logistic"
    c: tuple[float, ...] = (0.001, 0.01, 0.1, 1.0, 10.0)


@dataclass(frozen=True, kw_only=True)
class Svm(Classical):
    """Support-vector machine with a Gaussian kernel on standardized descriptors.

    Attributes:
        c: Cost of an error in the margin.
        gamma: Of the kernel, as a multiple of 1 / number of descriptors.
    """

    estimator: Literal["svm"] = "svm"
    c: tuple[float, ...] = (0.1, 1.0, 10.0)
    gamma: tuple[float, ...] = (0.1, 0.3, 1.0)


@dataclass(frozen=True, kw_only=True)
class Kernel(Classical):
    """Regularized least squares with a Gaussian kernel on standardized descriptors.

    Attributes:
        ridge: What is added to the diagonal of the kernel: the larger, the smoother the answer.
        gamma: Of the kernel, as a multiple of 1 / number of descriptors.
    """

    estimator: Literal["kernel"] = "kernel"
    ridge: tuple[float, ...] = (0.1, 0.3, 1.0)
    gamma: tuple[float, ...] = (0.1, 0.3, 1.0)


@dataclass(frozen=True, kw_only=True)
class RandomForest(Classical):
    """Random forest; each split sees the square root of the number of descriptors.

    Attributes:
        trees: How many.
        leaf: Fewest cells in a leaf.
    """

    estimator: Literal["random-forest"] = "random-forest"
    trees: int = 300
    leaf: tuple[int, ...] = (1, 5, 20)

    def rules(self) -> list[tuple[bool, str]]:
        """As of every estimator, and of the trees."""
        return [*super().rules(), (1 <= self.trees <= 5000, "classical.trees: from 1 to 5000")]


@dataclass(frozen=True, kw_only=True)
class GradientBoosting(Classical):
    """Stochastic gradient boosting of small trees, each on half of the cells.

    Attributes:
        trees: How many.
        learning_rate: What each tree counts.
        depth: Of a tree.
    """

    estimator: Literal["gradient-boosting"] = "gradient-boosting"
    trees: int = 300
    learning_rate: float = 0.05
    depth: tuple[int, ...] = (1, 3, 5)

    def rules(self) -> list[tuple[bool, str]]:
        """As of every estimator, and of the trees."""
        return [
            *super().rules(),
            (1 <= self.trees <= 5000, "classical.trees: from 1 to 5000"),
            (0 < self.learning_rate <= 1, "classical.learning_rate: above 0, at most 1"),
        ]


@dataclass(frozen=True, kw_only=True)
class Neighbors(Classical):
    """Nearest neighbors among the training cells, by standardized descriptors.

    Attributes:
        neighbors: How many have a vote.
    """

    estimator: Literal["knn"] = "knn"
    neighbors: tuple[int, ...] = (5, 15, 51, 151)


@dataclass(frozen=True, kw_only=True)
class Local(Classical):
    """Least squares on the local structure of a cell and its size.

    The network is `leukoscope.models.network.local_features`.

    The one estimator whose file is given the picture and not descriptors, and has an exact map.

    Attributes:
        frequencies: Of the random features; the more, the nearer to the kernel they stand for.
        gamma: Of that kernel, as a multiple of 1 / number of filters.
        size: How much the size may say, where structure may say 1.
        ridge: What is added to the mean square of each input: the larger, the smoother the answer.
    """

    estimator: Literal["local"] = "local"
    frequencies: int = 512
    gamma: float = 0.3
    size: float = 0.3
    ridge: tuple[float, ...] = (3e-6, 1e-5, 3e-5, 1e-4)

    def rules(self) -> list[tuple[bool, str]]:
        """As of every estimator, and of its features."""
        return [
            *super().rules(),
            (not self.leave_out, "classical.leave_out: nothing, where no descriptors are measured"),
            (1 <= self.frequencies <= 4096, "classical.frequencies: from 1 to 4096"),
            (self.gamma > 0, "classical.gamma: above 0"),
            (self.size >= 0, "classical.size: not negative"),
        ]


ESTIMATORS: dict[str, type[Classical]] = {
    "logistic": Logistic,
    "svm": Svm,
    "kernel": Kernel,
    "random-forest": RandomForest,
    "gradient-boosting": GradientBoosting,
    "knn": Neighbors,
    "local": Local,
}


def read_classical(tree: Any, where: str) -> Classical:
    """The settings under `classical` of a recipe.

    Args:
        tree: Names and values, as YAML gives them.
        where: What is being read, for messages.

    Raises:
        RecipeError: No or an unknown estimator, a setting it does not have, a value out of range.
    """
    name = tree.get("estimator") if isinstance(tree, Mapping) else None
    if not isinstance(name, str) or name not in ESTIMATORS:
        raise RecipeError(
            f"{where}: classical.estimator is {name!r}; choose one of {', '.join(ESTIMATORS)}."
        )
    return read_settings(ESTIMATORS[name], tree, where, "classical")
