"""Hardware time stamps of samples, of which some are missing: :class:`Timestamps`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from openisx.core._integers import half_away

if TYPE_CHECKING:
    from openisx.core.timing import Timing

__all__ = ["Timestamps", "counted_back"]


class Timestamps(np.ndarray[Any, np.dtype[np.uint64]]):
    """Counters in microseconds, uint64, in which 0 stands for a missing sample.

    An ordinary array, but for two operations in which the zeros would end as times billions of seconds away:
    differences and quotients are float64, with NaN where a sample is missing. ``astype`` gives a plain array.
    """

    def astype(self, *args: Any, **kwargs: Any) -> Any:
        """A plain array."""
        return np.asarray(self).astype(*args, **kwargs)

    def __array_ufunc__(self, ufunc: np.ufunc, method: Any, *inputs: Any, **kwargs: Any) -> Any:
        plain = [_plain(value) for value in inputs]
        out = kwargs.get("out")
        if out is not None:
            kwargs["out"] = tuple(map(_plain, out))
        if ufunc not in (np.subtract, np.true_divide) or method != "__call__":
            return getattr(ufunc, method)(*plain, **kwargs)
        missing = np.bool_(False)
        for given, value in zip(inputs, plain, strict=True):
            if isinstance(given, Timestamps):
                missing = missing | (value == 0)
        if out is not None and np.any(missing):
            raise TypeError(
                "missing time stamps have no difference that fits in place; write s = s - t, not s -= t"
            )
        result = ufunc(*plain, **kwargs)
        if out is not None:
            return result
        if result.dtype == np.uint64:  # the wrapped difference of two counters
            result = result.view(np.int64)
        return np.where(missing, np.nan, result.astype(np.float64))


def _plain(value: Any) -> Any:
    return np.asarray(value) if isinstance(value, Timestamps) else value


def counted_back(counter: int, index: int, timing: Timing) -> int:
    """Counter of sample 0 by that of sample `index`, the first there is."""
    return half_away(float(counter) - 1e6 * timing.period.secs_float * index) if index else counter
