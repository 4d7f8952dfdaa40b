"""Pictures of recordings, drawn with Matplotlib (``pip install "openisx[plot]"``)."""

from openisx.viz._plots import background_image, plot_cell_set, save_figure
from openisx.viz._session import plot_session

__all__ = ["background_image", "plot_cell_set", "plot_session", "save_figure"]
