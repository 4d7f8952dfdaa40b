"""Lazy operations on movies: each is a source over a source, which reads frames of that one when its own are asked for."""
