"""One module per target; reads through the public classes, writes through :class:`isx.output_files.OutputFile`."""
