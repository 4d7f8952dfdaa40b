"""Bytes on disk to typed records and back: one module per format, its layout in the docstring."""
