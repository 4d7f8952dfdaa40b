"""Movies of nVista 2 and of other programs: HDF5, TIFF, XML recordings."""
