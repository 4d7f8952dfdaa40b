"""The `.isxd` container, and every kind of data in it."""
