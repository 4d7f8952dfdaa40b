"""Movies to TIFF stacks, against the vendor and against tifffile writing the same frames from a memory map."""

from __future__ import annotations

from bench_movies import write_movie
from compare import Benchmark

EXPORT = "isx.export_movie_to_tiff(path, out)"
#: Runs in the vendor's interpreter, so that both sides alternate; it does not touch the vendor's package.
TIFFFILE = """
frames = np.memmap(path, np.uint16, "r", shape=shape)
tifffile.imwrite(out, frames, bigtiff=True, photometric="minisblack", metadata=None)
"""


def main() -> None:
    bench = Benchmark("Movies to TIFF stacks")
    out = bench.folder / "out.tif"
    clean = lambda: out.unlink(missing_ok=True)  # noqa: E731
    for frames, shape in ((1000, (800, 1280)), (1000, (540, 640)), (20_000, (64, 64))):
        size = f"{frames} frames of {shape[1]} x {shape[0]}"
        path = write_movie(bench.folder / "movie.isxd", frames, shape)
        for name, theirs in (("", EXPORT), ("; vendor column: tifffile.imwrite", TIFFFILE)):
            bench.run(
                size + name,
                EXPORT,
                vendor_code=theirs,
                vendor_setup="import tifffile",
                repeat=4,
                before=clean,
                fresh=True,
                path=path,
                out=str(out),
                shape=(frames, *shape),
            )
        clean()
    path = write_movie(bench.folder / "movie.isxd", 5000, (100, 100), dropped=list(range(0, 10_000, 2)))
    bench.run(
        "10000 frames of 100 x 100, every other dropped",
        "isx.export_movie_to_tiff(path, out, write_invalid_frames=True)",
        before=clean,
        path=path,
        out=str(out),
    )


if __name__ == "__main__":
    main()
