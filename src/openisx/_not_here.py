"""Functions of the vendor's desktop program that scripts ask for, and where their job is done."""

__all__ = ["why_not"]

_PIPELINES = "CaImAn or suite2p on the movie that isx.export_movie_to_tiff writes"

#: How each name goes on after "no attribute ...: it belongs to the vendor's desktop program; ".
_JOBS = {
    "auto_accept_reject": "decide in your script and store it with CellSet.set_cell_statuses",
    "deconvolve_cellset": "use OASIS (in CaImAn and suite2p) on CellSet.traces",
    "event_detection": "use scipy.signal.find_peaks on CellSet.traces, or OASIS, and isx.EventSet.write",
    "longitudinal_registration": "use CaImAn (register_multisession), CellReg or ROICaT on CellSet.footprints",
    "motion_correct": f"use {_PIPELINES}",
    "multiplane_registration": "compare CellSet.footprints of the planes, as CaImAn's register_multisession does",
    "pca_ica": f"use {_PIPELINES}",
    "preprocess": "use the methods of isx.Movie: movie.fix_pixels().crop(...).bin(space=2, time=2).save(path)",
    "run_cnmfe": "use CaImAn (CNMF-E) on the movie that isx.export_movie_to_tiff writes",
    "spatial_filter": "use isx.Movie.map with a filter of scipy.ndimage, and save(path)",
    "trim_movie": "use isx.Movie.trim(first, last).save(path)",
}


def why_not(name: str) -> str:
    """What the error for a missing name adds; empty for names that nobody knows."""
    return f": it belongs to the vendor's desktop program; {_JOBS[name]}" if name in _JOBS else ""
