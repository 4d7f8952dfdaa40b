"""Behaviour movies of nVision cameras, `.isxb`."""
