"""Ordinary videos, decoded through PyAV."""
