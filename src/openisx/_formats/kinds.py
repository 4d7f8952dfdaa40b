"""The kinds of data sets and how a file tells its own (docs/formats/isxd.md, Members of every kind)."""

from __future__ import annotations

import enum

from openisx.errors import IsxFormatError

__all__ = ["DataKind", "WrongKindError", "wrong_kind"]


class DataKind(enum.Enum):
    """Kind of a data set: the ``type`` code of an `.isxd` file and the name shown to people."""

    MOVIE = (0, "Movie")
    CELL_SET = (1, "Cell Set")
    BEHAVIORAL_MOVIE = (2, "Behavioral Movie")
    GPIO = (3, "GPIO")
    IMAGE = (4, "Image")
    EVENT_SET = (5, "Event Set")
    METRICS = (6, "Metrics")
    IMU = (7, "IMU")
    VESSEL_SET = (8, "Vessel Set")
    NVISION_MOVIE = (9, "nVision Movie")

    def __init__(self, code: int, label: str) -> None:
        self.code = code
        self.label = label

    @classmethod
    def from_code(cls, code: int, path: str) -> DataKind:
        """Kind of the ``type`` member `code` of file `path`."""
        for kind in cls:
            if kind.code == code:
                return kind
        raise IsxFormatError(f"{path}: type {code} is not a known kind of data set (0 to 9).")

    @classmethod
    def of_frames(cls, num_samples: int) -> DataKind:
        """Kind to write for a movie: one of a single frame, or of none, is an image."""
        return cls.MOVIE if num_samples > 1 else cls.IMAGE


class WrongKindError(IsxFormatError):
    """A sound file holds another kind of data set than asked for: `found`."""

    def __init__(self, text: str, found: DataKind) -> None:
        super().__init__(text)
        self.found = found

    def __reduce__(self) -> tuple[type[WrongKindError], tuple[str, DataKind]]:
        return type(self), (str(self), self.found)


def wrong_kind(path: str, found: DataKind, *expected: DataKind) -> WrongKindError:
    """Error for a file of another kind than the reader takes; the first line is the vendor's text."""
    names = " or ".join(
        kind.label for kind in expected if kind is not found
    )  # that kind, but in another format
    return WrongKindError(
        f"Expected data set to be of type: {names}. Instead it is of type: {found.label}. \n"
        f"File: {path}. isx.open() chooses the right class by itself.",
        found,
    )
