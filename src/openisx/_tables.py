"""Tables of samples for `to_dataframe()`, whose pandas is imported on use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._dependencies import require

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from openisx.core.timing import Timing

__all__ = ["samples_table", "table"]


def table(columns: Mapping[str, Any], index: Any = None) -> pd.DataFrame:
    """A table of named columns."""
    frame: pd.DataFrame = require("pandas", "tables").DataFrame(columns, index=index)
    return frame


def samples_table(values: NDArray[Any], names: Sequence[str], timing: Timing) -> pd.DataFrame:
    """One row per sample and one column per row of `values`; the index is the time in seconds."""
    pandas = require("pandas", "tables")
    index = pandas.Index(timing.seconds(), name="Time (s)")
    # A copy in the order of the columns, so that the table owns its values and the file can be closed.
    columns = pandas.Index(names, dtype=object)
    frame: pd.DataFrame = pandas.DataFrame(np.array(values).T, index=index, columns=columns)
    return frame
