"""Exchange tables with pandas, which is optional: nothing here imports it before it is needed."""

import sys
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from leukoscope.core.errors import CohortError, missing_extra
from leukoscope.core.tables import Table, typed_columns

if TYPE_CHECKING:
    import pandas


def to_data_frame(
    columns: Mapping[str, Sequence[Any] | np.ndarray], caller: str
) -> "pandas.DataFrame":
    """Copy columns of equal length into a DataFrame.

    Args:
        columns: The table.
        caller: The method that the user called, for the message.

    Raises:
        MissingExtraError: pandas is not installed.
    """
    try:
        import pandas
    except ModuleNotFoundError as error:
        raise missing_extra(caller, error) from error
    return pandas.DataFrame({name: np.array(column) for name, column in columns.items()})


def is_data_frame(value: object) -> TypeGuard["pandas.DataFrame"]:
    """True for a pandas DataFrame; False without importing pandas if nobody has."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.DataFrame)


def from_data_frame(frame: "pandas.DataFrame", *, text: Collection[str] = ()) -> Table:
    """Copy the columns of a DataFrame into a table; its index is left out.

    Args:
        frame: Missing values of any kind become "" in text columns and nan in numbers.
        text: Columns that are text whatever they look like, as for `read_table`.

    Raises:
        CohortError: Not a DataFrame, or two columns have the same name.
    """
    if not is_data_frame(frame):
        raise CohortError(
            f"{type(frame).__name__}: not a table of cells; give a folder, a file, a cohort or a "
            "pandas DataFrame."
        )
    names = [str(name) for name in frame.columns]
    if len(set(names)) != len(names):
        raise CohortError("the DataFrame has two columns of the same name; rename one.")
    values = {}
    for number, name in enumerate(names):
        column = frame.iloc[:, number].astype(object)
        values[name] = column.where(column.notna(), None).tolist()
    return typed_columns(values, text=text)
