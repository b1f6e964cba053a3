"""Random seeds: the range that NumPy, scikit-learn and PyTorch all accept, and what it draws."""

from typing import TYPE_CHECKING

from leukoscope.core.errors import SeedError

if TYPE_CHECKING:
    import numpy as np

LARGEST_SEED = 2**32 - 1
"""scikit-learn takes no larger one."""
SEEDS = f"from 0 to {LARGEST_SEED}"


def is_seed(value: object) -> bool:
    """True for a whole number, of Python or NumPy, in the range of seeds."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        return False
    try:
        return 0 <= value.__index__() <= LARGEST_SEED
    except TypeError:  # an array of several numbers
        return False


def require_seed(value: object) -> int:
    """Return a seed as an int of Python.

    Raises:
        SeedError: Not a whole number from 0 to 2**32 - 1.
    """
    if not is_seed(value):
        raise SeedError(f"the seed is {value!r}; give a whole number {SEEDS}.")
    return int(value)  # type: ignore[call-overload]


def generator(seed: object, *purpose: int) -> "np.random.Generator":
    """Return a random generator.

    Args:
        seed: The seed that a user gave.
        purpose: Whole numbers from 0 that tell the draws of one seed apart.

    Raises:
        SeedError: Not a whole number from 0 to 2**32 - 1.
    """
    import numpy as np

    checked = require_seed(seed)
    return np.random.default_rng((checked, *purpose) if purpose else checked)
