"""Functions of the vendor's desktop program that scripts ask for, and where their job is done."""

__all__ = ["why_not"]

_PIPELINES = "CaImAn or suite2p on the movie that isx.export_movie_to_tiff writes"
_BY_INDEXING = "index the movie as an array and write the result with isx.Movie.write"

#: How each name goes on after "no attribute ...: it belongs to the vendor's desktop program; ".
_JOBS = {
    "auto_accept_reject": "decide in your script and store it with CellSet.set_cell_statuses",
    "de_interleave": "choose frames by Movie.get_frame_header(i).efocus and write each plane with isx.Movie.write",
    "deconvolve_cellset": "use OASIS (in CaImAn and suite2p) on CellSet.traces",
    "dff": f"{_BY_INDEXING}, or take the dF/F of CaImAn or suite2p",
    "event_detection": "use scipy.signal.find_peaks on CellSet.traces, or OASIS, and isx.EventSet.write",
    "longitudinal_registration": "use CaImAn (register_multisession), CellReg or ROICaT on CellSet.footprints",
    "motion_correct": f"use {_PIPELINES}",
    "multiplane_registration": "compare CellSet.footprints of the planes, as CaImAn's register_multisession does",
    "pca_ica": f"use {_PIPELINES}",
    "preprocess": f"{_BY_INDEXING}: movie[10:, 20:500, ::2] trims, crops and thins",
    "project_movie": "use NumPy: movie[:].mean(axis=0), .max(axis=0), and isx.Image.write",
    "run_cnmfe": "use CaImAn (CNMF-E) on the movie that isx.export_movie_to_tiff writes",
    "spatial_filter": "use scipy.ndimage on the frames and isx.Movie.write",
    "trim_movie": f"{_BY_INDEXING}: movie[first:last]",
}


def why_not(name: str) -> str:
    """What the error for a missing name adds; empty for names that nobody knows."""
    if name == "export_movie_to_nwb":
        return ": NWB files are not written yet; NeuroConv converts recordings with their metadata"
    return f": it belongs to the vendor's desktop program; {_JOBS[name]}" if name in _JOBS else ""
