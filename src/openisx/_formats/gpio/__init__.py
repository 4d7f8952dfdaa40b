"""The acquisition boxes: `.gpio`, `.raw`, GPIO in `.hdf5`, `.imu`."""
