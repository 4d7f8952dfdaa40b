"""Files of every format, built byte by byte from the descriptions in docs/formats, never by the package itself."""
