"""Blood vessels of a recording: :class:`VesselSet`."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from openisx._checks import converted, of_opened, output_path
from openisx._files.paths import as_path
from openisx._formats.isxd.vessel_set import Vessel as _Data
from openisx._formats.isxd.vessel_set import VesselBody, new_vessel_set
from openisx._formats.isxd.vessel_set import VesselSetType as _Type
from openisx._formats.registry import open_vessel_set
from openisx._pictures import affordable, image_html, thinned
from openisx._roi_set import RoiSet, require_timing_and_spacing, trace_to_store
from openisx._rois import Vessel
from openisx._tables import samples_table, table
from openisx.errors import IsxIndexError, IsxStateError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from openisx._files.paths import PathInput
    from openisx._formats.isxd.roi_set import RoiFile
    from openisx.core.spacing import Spacing
    from openisx.core.timing import Timing

__all__ = ["VesselSet"]

_DIAMETER, _VELOCITY = _Type.VESSEL_DIAMETER, _Type.RBC_VELOCITY
_FLOAT = np.dtype(np.float32)


class VesselSet(RoiSet[VesselBody, Vessel]):
    """Blood vessels of a recording: for each a name, a status, a line across or along it, and traces.

    There are two types: *diameter* sets, whose lines have two points and whose traces are diameters with the
    position of the centre, and *velocity* sets, whose lines have four points and whose traces are the velocity of
    red blood cells with its direction, and possibly correlation heat maps. One image belongs to the whole set.

    Made by :meth:`read` (or :func:`isx.open`) and :meth:`write`; the constructor alone gives an object whose
    attributes are None. Sets can be read from several threads at once, pickled, and used as context managers.

    Examples
    --------
    >>> with isx.VesselSet.read("velocities.isxd") as vessels:
    ...     fastest = vessels.traces.max(axis=1)
    """

    _noun = "vessel"
    _heading = "VesselSet"
    _attributes = ("file_path", "mode", "timing", "spacing", "num_vessels")

    #: The two types of vessel sets.
    VesselSetType = _Type

    @classmethod
    def read(cls, file_path: PathInput, read_only: bool = True) -> VesselSet:
        """Open a vessel set; only its metadata are read.

        Parameters
        ----------
        file_path : path
            An `.isxd` vessel set.
        read_only : bool
            False to change statuses and to replace vessels in the file.

        Raises
        ------
        IsxFileError
            The file is missing, damaged, or holds something else.
        """
        return cls()._attached(open_vessel_set(as_path(file_path)), writable=not read_only)

    @staticmethod
    def _open_file(path: str) -> RoiFile[VesselBody]:
        return open_vessel_set(path)

    def _roi(self, index: int) -> Vessel:
        return Vessel(self, index)

    @classmethod
    def write(
        cls,
        file_path: PathInput,
        timing: Timing,
        spacing: Spacing,
        vessel_type: str | _Type,
        *,
        extra_properties: Mapping[str, Any] | None = None,
    ) -> VesselSet:
        """Start a new vessel set.

        The file appears under its name, complete with the vessels set so far, when a status is set, when
        :meth:`flush` has written all of it, or when the object is deleted. Until :meth:`flush` vessels can be
        added, read back and replaced. If the program is killed before the file appears, :func:`isx.recover`
        saves the vessels.

        Parameters
        ----------
        file_path : path
            Must end in ``.isxd`` and not exist.
        timing : Timing
            Samples of the traces.
        spacing : Spacing
            Size of the image.
        vessel_type : {'vessel diameter', 'rbc velocity'}
            Or a member of :attr:`VesselSetType`.
        extra_properties : mapping, optional
            Session metadata to store, for example ``movie.metadata["extraProperties"]``.

        Raises
        ------
        IsxFileExistsError, IsxFileError
            The file exists, or its folder is missing or not writable.
        TypeError, ValueError
            An argument is not what it should be.
        """
        path = output_path(file_path)
        require_timing_and_spacing(timing, spacing)
        kind = _Type.from_str(vessel_type)
        writer = new_vessel_set(path, timing.normalized(), spacing.copy(), kind, extra_properties)
        return cls()._attached(writer, writable=True)

    @property
    def num_vessels(self) -> int:
        """Number of vessels; while writing, of those set so far."""
        return of_opened(None if self._set is None else len(self._set.rois))

    def get_vessel_set_type(self) -> _Type:
        """Whether the traces are diameters or velocities."""
        return self._open().body.set_type

    def has_correlation_heatmaps(self) -> bool:
        """Whether the file holds correlation heat maps."""
        return bool(self._open().body.heatmap_sizes)

    # -- one vessel ------------------------------------------------------------------------------

    def get_vessel_name(self, index: int) -> str:
        """Name of one vessel.

        Parameters
        ----------
        index : int
            Of the vessel, counted from 0.

        Raises
        ------
        IsxIndexError
            There is no such vessel.
        """
        return self._name(index)

    def get_vessel_status(self, index: int) -> str:
        """Status of one vessel: 'accepted', 'undecided' or 'rejected'.

        Parameters
        ----------
        index : int
            Of the vessel, counted from 0.

        Raises
        ------
        IsxIndexError
            There is no such vessel.
        IsxFormatError
            The file holds another status.
        """
        return self._status(index)

    def get_vessel_image_data(self, index: int) -> NDArray[np.float32]:
        """The image of the set, whichever vessel is asked for; a new float32 array (rows, columns).

        Parameters
        ----------
        index : int
            Of the vessel, counted from 0.

        Raises
        ------
        IsxIndexError
            There is no such vessel.
        """
        return self._open().read("image", self._index(index))

    def get_vessel_line_data(self, index: int) -> NDArray[np.int64]:
        """Line of one vessel.

        Parameters
        ----------
        index : int
            Of the vessel, counted from 0.

        Returns
        -------
        ndarray of int64
            Points (x, y) in pixels: shape (2, 2) for diameter, (4, 2) for velocity sets.

        Raises
        ------
        IsxIndexError
            There is no such vessel.
        """
        return self._open().read("line", self._index(index))

    def get_vessel_trace_data(self, index: int) -> NDArray[np.float32]:
        """Diameter or velocity of one vessel, a new float32 array; NaN at missing samples.

        Parameters
        ----------
        index : int
            Of the vessel, counted from 0.

        Raises
        ------
        IsxIndexError
            There is no such vessel.
        """
        return self._open().read("trace", self._index(index))

    def get_vessel_center_trace_data(self, index: int) -> NDArray[np.float32]:
        """Position of the centre of one vessel along its line, a new float32 array.

        Parameters
        ----------
        index : int
            Of the vessel, counted from 0.

        Raises
        ------
        IsxIndexError
            There is no such vessel.
        IsxError
            The set is not a diameter set, or its file holds no centres.
        """
        return self._second(index, _DIAMETER)

    def get_vessel_direction_trace_data(self, index: int) -> NDArray[np.float32]:
        """Direction of the flow in one vessel in degrees from the positive x axis, a new float32 array.

        Parameters
        ----------
        index : int
            Of the vessel, counted from 0.

        Raises
        ------
        IsxIndexError
            There is no such vessel.
        IsxError
            The set is not a velocity set, or its file holds no directions.
        """
        return self._second(index, _VELOCITY)

    def _second(self, index: int, kind: _Type) -> NDArray[np.float32]:
        index, opened = self._index(index), self._open()
        opened.body.require_second(kind)
        return opened.read("second", index)

    def get_vessel_correlations_data(self, index: int, frame: int) -> NDArray[np.float32]:
        """Correlation heat maps of one vessel at one sample.

        Parameters
        ----------
        index : int
            Of the vessel, counted from 0.
        frame : int
            Sample, counted from 0.

        Returns
        -------
        ndarray of float32, shape (3, height, width)
            Correlation with the frame before, the same frame, and the frame after.

        Raises
        ------
        IsxIndexError
            There is no such vessel or no such sample.
        IsxError
            The set holds no heat maps.
        """
        index, opened = self._index(index), self._open()
        opened.body.require_heatmaps()
        sample, count = operator.index(frame), opened.timing.num_samples
        if not 0 <= sample < count:
            raise IsxIndexError(f"The index of the frame ({sample}) is out of range (0-{count - 1}).")
        return opened.read("heatmaps", index, sample)

    def correlation_heatmaps(self, index: int) -> NDArray[np.float32]:
        """All correlation heat maps of one vessel.

        Parameters
        ----------
        index : int
            Of the vessel, counted from 0.

        Returns
        -------
        ndarray of float32, shape (samples, 3, height, width)
            A read-only view of the file; a copy while the set is being written.

        Raises
        ------
        IsxIndexError
            There is no such vessel.
        IsxError
            The set holds no heat maps.
        """
        index, opened = self._index(index), self._open()
        opened.body.require_heatmaps()
        return opened.view("heatmaps", index)

    # -- writing ---------------------------------------------------------------------------------

    def set_vessel_status(self, index: int, status: str) -> None:
        """Change the status of one vessel, in the file at once; a set being written is readable for everyone then.

        Parameters
        ----------
        index : int
            Vessel, counted from 0.
        status : str
            'accepted', 'undecided' or 'rejected'.

        Raises
        ------
        IsxStateError
            The set was opened for reading only, or is already flushed.
        ValueError
            There is no such status.
        IsxIndexError
            There is no such vessel.
        """
        self._set_statuses({index: status})

    def set_vessel_diameter_data(
        self,
        index: int,
        image: ArrayLike,
        line: ArrayLike,
        trace: ArrayLike,
        center_trace: ArrayLike,
        name: str | None = None,
    ) -> None:
        """Add the next vessel of a diameter set, or replace an earlier one.

        Parameters
        ----------
        index : int
            The number of vessels so far to add one, less to replace one.
        image : array-like
            Shape (rows, columns), converted to float32. Stored with vessel 0 only: a set has one image.
        line : array-like
            Two points (x, y), converted to int64.
        trace, center_trace : array-like
            One value per sample, converted to float32. NaN is stored at dropped, cropped and blank samples.
        name : str, optional
            Default ``V<index>``.

        Raises
        ------
        IsxStateError
            The set was opened for reading only, is already flushed, or is a velocity set.
        ValueError
            The index is out of order, or an array has the wrong shape.
        """
        self._put_vessel(_DIAMETER, index, image, line, trace, center_trace, None, name)

    def set_rbc_velocity_data(
        self,
        index: int,
        image: ArrayLike,
        line: ArrayLike,
        trace: ArrayLike,
        direction_trace: ArrayLike,
        correlations_trace: ArrayLike | None = None,
        name: str | None = None,
    ) -> None:
        """Add the next vessel of a velocity set, or replace an earlier one.

        Parameters
        ----------
        index, image, trace, name
            As for :meth:`set_vessel_diameter_data`.
        line : array-like
            Four points (x, y), converted to int64.
        direction_trace : array-like
            Degrees from the positive x axis, one per sample.
        correlations_trace : array-like, optional
            Heat maps, shape (samples, 3, height, width), stored as they are also at missing samples. Height and
            width may differ between vessels, but all vessels of a set have heat maps or none has.

        Raises
        ------
        IsxStateError
            The set was opened for reading only, is already flushed, or is a diameter set.
        ValueError
            The index is out of order, an array has the wrong shape, or only some vessels have heat maps.
        """
        self._put_vessel(_VELOCITY, index, image, line, trace, direction_trace, correlations_trace, name)

    def _put_vessel(
        self,
        kind: _Type,
        index: int,
        image: ArrayLike,
        line: ArrayLike,
        trace: ArrayLike,
        second: ArrayLike,
        heatmaps: ArrayLike | None,
        name: str | None,
    ) -> None:
        self._require_writable("data")
        opened = self._open()
        if opened.body.set_type is not kind:
            raise IsxStateError(
                f"{opened.given_path} is a {'velocity' if kind is _DIAMETER else 'diameter'} set; use "
                f"{'set_rbc_velocity_data' if kind is _DIAMETER else 'set_vessel_diameter_data'}."
            )

        def data() -> _Data:
            timing, points, count = opened.timing, np.asarray(line), opened.body.num_points
            if points.shape not in ((count, 2), (2 * count,)):
                raise ValueError(f"line should be {count} points (x, y), not of shape {points.shape}")
            return _Data(
                converted(np.asarray(image).reshape(opened.spacing.num_pixels), _FLOAT),
                converted(points.reshape(-1, 2), np.dtype(np.int64)),
                trace_to_store(trace, timing, "trace"),
                trace_to_store(second, timing, "center_trace" if kind is _DIAMETER else "direction_trace"),
                None if heatmaps is None else _heatmaps(heatmaps, timing.num_samples),
            )

        self._put(index, name, data)

    # -- all vessels -----------------------------------------------------------------------------

    def set_vessel_statuses(self, statuses: Sequence[str] | Mapping[int, str]) -> None:
        """Change the status of many vessels in one step.

        Parameters
        ----------
        statuses : sequence or mapping
            One status for each vessel, or index -> status for some of them.

        Raises
        ------
        IsxStateError, ValueError, IsxIndexError
            As :meth:`set_vessel_status`; nothing is changed then. ValueError also if a sequence has another
            length than there are vessels.
        """
        self._set_statuses(statuses)

    @property
    def image(self) -> NDArray[np.float32] | None:
        """The image of the set, a new float32 array (rows, columns); None for a set without vessels."""
        opened = self._open()
        return opened.read("image", 0) if len(opened.rois) else None

    @property
    def lines(self) -> NDArray[np.int64]:
        """All lines, int64 of shape (vessels, points, 2)."""
        return self._open().all("line")

    @property
    def traces(self) -> NDArray[np.float32]:
        """All diameters or velocities, float32 of shape (vessels, samples).

        A read-only view of the file where its vessels are equally large, as they are without heat maps or with
        heat maps of one size; else a copy.
        """
        return self._open().all("trace")

    @property
    def center_traces(self) -> NDArray[np.float32]:
        """All centres of a diameter set, float32 of shape (vessels, samples); IsxError if there are none."""
        self._open().body.require_second(_DIAMETER)
        return self._open().all("second")

    @property
    def direction_traces(self) -> NDArray[np.float32]:
        """All directions of a velocity set, float32 of shape (vessels, samples); IsxError if there are none."""
        self._open().body.require_second(_VELOCITY)
        return self._open().all("second")

    def to_dataframe(
        self, what: Literal["traces", "centers", "directions", "vessels"] = "traces"
    ) -> pd.DataFrame:
        """The set as a pandas table (``pip install "openisx[tables]"``).

        Parameters
        ----------
        what : {'traces', 'centers', 'directions', 'vessels'}
            The first three: one row per sample, indexed by seconds since the start, one float32 column per
            vessel. 'vessels': one row per vessel with its name, status, activity, colour and points.

        Raises
        ------
        IsxImportError
            pandas is not installed.
        IsxError
            The set holds no such traces.
        """
        opened = self._open()
        values = {
            "traces": lambda: self.traces,
            "centers": lambda: self.center_traces,
            "directions": lambda: self.direction_traces,
        }
        if what in values:
            return samples_table(values[what](), opened.rois.names, opened.timing)
        if what != "vessels":
            raise ValueError(f"Unknown table {what!r}. Options are {', '.join(values)}, vessels.")
        columns = self._roi_columns()
        lines = opened.all("line")
        for point in range(opened.body.num_points):
            columns[f"x{point}"], columns[f"y{point}"] = lines[:, point, 0], lines[:, point, 1]
        return table(columns)

    def _picture(self) -> str:
        height, width = shape = self.spacing.num_pixels
        if not affordable(len(self), 4 * height * width):
            return self._trace_rows()
        index = thinned(shape)
        lines = list(self.lines[:100])
        return image_html(self._roi(0).image[index], lines, index[0].step) + self._trace_rows()


def _heatmaps(values: ArrayLike, num_samples: int) -> NDArray[np.float32]:
    array = np.asarray(values)
    if array.ndim != 4 or array.shape[:2] != (num_samples, 3):
        raise ValueError(
            f"correlations_trace should have the shape ({num_samples}, 3, height, width), not {array.shape}"
        )
    return converted(array, _FLOAT)
