"""GPIO and IMU recordings as `.isxd` sets (docs/formats/gpio.md)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from openisx._files.output import OutputFile, require_free_space
from openisx._files.paths import as_path, extension, require_absent
from openisx._formats.isxd.container import trailer_bytes
from openisx._formats.isxd.events import PACKET
from openisx._formats.registry import open_gpio_source, open_recording
from openisx.export._options import no_progress
from openisx.util import get_file_stem

if TYPE_CHECKING:
    from openisx._files.paths import PathInput
    from openisx.export._options import Progress

__all__ = ["export_gpio_to_isxd"]

_CANNOT_WRITE = "Failed to open events file for writing ({path}) with error: {error}"
_SUFFIX = {"gpio": "_gpio", "raw": "_gpio", "hdf5": "", "imu": "_imu"}


def export_gpio_to_isxd(
    input_gpio_file: PathInput, output_isxd_dir: PathInput, *, progress: Progress = no_progress
) -> None:
    """Convert a GPIO or IMU recording to an `.isxd` set.

    The file in `output_isxd_dir` is called after the input up to its first dot, with ``_gpio.isxd`` (``_imu.isxd`` for
    `.imu`, ``.isxd`` for `.hdf5`) behind that. Nothing is written for an input that is an `.isxd` set already.

    Parameters
    ----------
    input_gpio_file : path
        `.gpio`, `.raw`, `.hdf5` or `.imu`.
    output_isxd_dir : path
        An existing folder.
    progress : callable, keyword only
        Called with (points written, points in total); an exception it raises stops the export.

    Raises
    ------
    IsxFileExistsError, IsxFileError
        The output exists or cannot be written; the input is missing, damaged beyond reading, or something else.
    """
    given = as_path(input_gpio_file)
    ending = extension(given)
    if ending not in _SUFFIX:
        open_gpio_source(given).close()  # raises unless it is a GPIO or IMU set
        return
    name = f"{get_file_stem(given)}{_SUFFIX[ending]}.isxd"
    write_gpio_isxd(given, os.path.join(as_path(output_isxd_dir), name), progress=progress)


def write_gpio_isxd(
    input_gpio_file: PathInput, output_isxd_file: PathInput, *, progress: Progress = no_progress
) -> None:
    """Convert a GPIO or IMU recording to the `.isxd` set `output_isxd_file`; see :func:`export_gpio_to_isxd`."""
    require_absent(as_path(output_isxd_file))
    recorded = open_recording(as_path(input_gpio_file))
    trailer = trailer_bytes(dict(recorded.metadata))
    total = sum(len(channel.points.offsets) for channel in recorded.channels)
    require_free_space(output_isxd_file, total * PACKET.itemsize + len(trailer))
    done = 0
    with OutputFile(output_isxd_file, cannot_open=_CANNOT_WRITE) as output:
        for packets in recorded.packets():
            output.write(packets)
            done += len(packets)
            progress(done, total)
        output.write(trailer)
