"""Writing movies to NWB files, and reading them frame by frame; against NeuroConv's writer where it is installed.

    python benchmarks/bench_nwb.py [--neuroconv-python VENV/bin/python]

Rates are those of the pixels. Each job runs A B A B; the best time counts.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))
from bench_views import best
from make_files import write

import isx
import isx.synthetic
from builders.movies import metadata
from openisx._formats import prefetch

SHAPE, FRAMES = (400, 640), 400


def noisy_movie(path: Path, frames: int) -> str:
    """12-bit frames with shot noise, which compress as recordings do."""
    rng = np.random.default_rng(0)
    light = 600 + 400 * np.hypot(*np.mgrid[-1 : 1 : SHAPE[0] * 1j, -1 : 1 : SHAPE[1] * 1j])
    some = [rng.normal(light, np.sqrt(light)).astype(np.uint16) for _ in range(16)]
    timing = {"start": {"secsSinceEpoch": {"num": 1_600_000_000_000, "den": 1000}, "utcOffset": 0}}
    members = metadata(SHAPE, "uint16", frames)
    members["timingInfo"] |= timing
    return write(path, (some[k % 16].data for k in range(frames)), members)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--neuroconv-python", default="")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory(prefix="isx-bench-") as name:
        folder = Path(name)
        movie = noisy_movie(folder / "movie.isxd", FRAMES)
        size = FRAMES * SHAPE[0] * SHAPE[1] * 2
        target = folder / "o.nwb"

        def export(compression: int | None, workers: int) -> None:
            target.unlink(missing_ok=True)
            original = prefetch._num_workers
            prefetch._num_workers = lambda: workers
            try:
                isx.export_session_to_nwb(movie, target, compression=compression)
            finally:
                prefetch._num_workers = original

        one, two, none = best(lambda: export(1, 1), lambda: export(1, 2), lambda: export(None, 1), repeat=4)
        print(
            f"gzip, one thread {size / one / 1e6:.0f} MB/s, two {size / two / 1e6:.0f} MB/s ({one / two:.2f}x); uncompressed {size / none / 1e6:.0f} MB/s"
        )
        export(1, 2)
        print(f"file {target.stat().st_size / size:.2f} of the pixels")
        import h5py

        with h5py.File(target) as file:
            data = file["acquisition/OnePhotonSeries/data"]
            (read,) = best(lambda: [data[k] for k in range(FRAMES)], repeat=3)
        print(f"reading frame by frame {size / read / 1e6:.0f} MB/s")
        if options.neuroconv_python:
            neuroconv(options.neuroconv_python, movie, folder, size)
        memory(folder)
        files = isx.synthetic.write(folder / "s", isx.synthetic.Scene(num_frames=200))
        start = time.perf_counter()
        opened = [isx.open(path) for path in files.values()]
        opening = time.perf_counter() - start
        del opened
        (planning,) = best(lambda: isx.find_sessions(folder / "s"))
        print(f"{len(files)} files: opening {opening * 1e3:.0f} ms, sessions of them {planning * 1e3:.0f} ms")


def neuroconv(python: str, movie: str, folder: Path, size: int) -> None:
    """The same pixels by NeuroConv's default writer, from an array."""
    code = (
        "import sys, time, numpy as np; from datetime import datetime, timezone;"
        "from roiextractors import NumpyImagingExtractor; "
        "frames = np.fromfile(sys.argv[1], np.uint16, int(sys.argv[3]) // 2).reshape(-1, 400, 640, 1);"
        "e = NumpyImagingExtractor(frames, sampling_frequency=20.0);"
        "from pynwb import NWBFile; s = time.perf_counter();"
        "f = NWBFile(session_description='x', identifier='x', session_start_time=datetime(2024, 1, 1, tzinfo=timezone.utc));"
        "from neuroconv.tools.roiextractors import add_imaging_to_nwbfile; add_imaging_to_nwbfile(imaging=e, nwbfile=f,"
        " photon_series_type='OnePhotonSeries');"
        "from neuroconv.tools.nwb_helpers import configure_and_write_nwbfile;"
        "configure_and_write_nwbfile(nwbfile=f, nwbfile_path=sys.argv[2], backend='hdf5'); print(time.perf_counter() - s)"
    )
    done = subprocess.run(
        [python, "-W", "ignore", "-c", code, movie, str(folder / "n.nwb"), str(size)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print("NeuroConv failed:", done.stderr.strip().splitlines()[-1])
        return
    print(f"NeuroConv {size / float(done.stdout.split()[-1]) / 1e6:.0f} MB/s")


def memory(folder: Path) -> None:
    path = noisy_movie(folder / "long.isxd", 4000)
    code = (
        "import sys, warnings; sys.path.insert(0, sys.argv[1]); warnings.simplefilter('ignore'); import isx, time;"
        "s = time.perf_counter(); isx.export_session_to_nwb(sys.argv[2], sys.argv[3], compression=None);"
        "print(time.perf_counter() - s, *[line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')])"
    )
    arguments = [sys.executable, "-c", code, str(Path(isx.__file__).parent), path, str(folder / "long.nwb")]
    taken, peak = map(
        float, subprocess.run(arguments, capture_output=True, text=True, check=True).stdout.split()
    )
    size = 4000 * SHAPE[0] * SHAPE[1] * 2
    print(
        f"{size / 1e9:.1f} GB uncompressed: {size / taken / 1e6:.0f} MB/s, peak memory {peak / 1024:.0f} MB"
    )
    os.unlink(path)


if __name__ == "__main__":
    main()
