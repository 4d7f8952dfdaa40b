"""Pictures of recordings, drawn with Matplotlib (``pip install "openisx[plot]"``)."""

from openisx.viz._plots import background_image, plot_cell_set, save_figure

__all__ = ["background_image", "plot_cell_set", "save_figure"]
