"""Bytes at positions, files that are complete or do not exist, and paths."""
