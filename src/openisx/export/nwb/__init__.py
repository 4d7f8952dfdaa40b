"""Sessions and movies to NWB 2 files (docs/formats/nwb.md)."""

from openisx.export.nwb.session import export_movie_to_nwb, export_session_to_nwb, nwb_metadata

__all__ = ["export_movie_to_nwb", "export_session_to_nwb", "nwb_metadata"]
