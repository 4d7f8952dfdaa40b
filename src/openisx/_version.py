"""The one place that holds the version."""

__version__ = "3.0.0"
