"""One module per target; reads through the public classes, writes through :class:`openisx._files.output.OutputFile`."""
