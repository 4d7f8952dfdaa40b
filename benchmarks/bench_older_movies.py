"""Opening and reading TIFF, HDF5 and XML movies."""

from __future__ import annotations

import numpy as np
import tifffile
from compare import Benchmark


def main() -> None:
    import h5py

    bench = Benchmark("Movies of older formats")
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 4096, (600, 540, 720), dtype=np.uint16)
    large, many = str(bench.folder / "large.tif"), str(bench.folder / "many.tif")
    with tifffile.TiffWriter(large) as writer:  # a table of tags beside every frame, as libtiff writes them
        for frame in frames:
            writer.write(frame, contiguous=False, metadata=None)
    with tifffile.TiffWriter(many) as writer:
        for i in range(65_000):
            writer.write(frames[i % 600, :8, :8], contiguous=False, metadata=None)
    hdf5 = str(bench.folder / "movie.hdf5")
    with h5py.File(hdf5, "w") as file:
        file["images"] = frames
    for part in ("a", "b", "c"):
        with tifffile.TiffWriter(bench.folder / f"{part}.tif") as writer:
            for frame in frames[:100]:
                writer.write(frame, contiguous=False, metadata=None)
    xml = str(bench.folder / "recording.xml")
    with open(xml, "w") as text:
        text.write(
            '<recording><attrs><attr name="dropped">[]</attr></attrs><decompressed>'
            "<file>a.tif</file><file>b.tif</file><file>c.tif</file></decompressed></recording>"
        )

    opening = "m = isx.Movie.read(path)"
    setup = "m = isx.Movie.read(path); order = np.random.default_rng(0).permutation(m.timing.num_samples)[:200].tolist()"
    sequential = "for i in range(m.timing.num_samples): f = m.get_frame_data(i)"
    shuffled = "for i in order: f = m.get_frame_data(i)"
    bench.run("open a TIFF of 600 pages", opening, path=large)
    bench.run("open a TIFF of 65,000 pages", opening, path=many)
    bench.run("600 TIFF pages of 540 x 720 in order", sequential, setup=setup, path=large)
    bench.run("200 of 65,000 pages in random order", shuffled, setup=setup, path=many)
    bench.run("open HDF5", opening, path=hdf5)
    bench.run("600 HDF5 frames of 540 x 720 in order", sequential, setup=setup, path=hdf5)
    bench.run("open a recording of three TIFF parts", opening, path=xml)
    bench.run("its 300 frames in order", sequential, setup=setup, path=xml)
    every = "t = np.array([m.get_frame_data(i)[100, 100] for i in range(m.timing.num_samples)])"
    for name, path in (("TIFF", large), ("HDF5", hdf5)):
        code = "t = np.array(m[:, 100, 100])"
        bench.run(f"one pixel over 600 {name} frames", code, vendor_code=every, setup=setup, path=path)


if __name__ == "__main__":
    main()
