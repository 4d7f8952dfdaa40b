"""The command ``isx``: look at files, export them, try the package on a sample recording.

Importing this costs nothing; what draws on terminals is imported when the command runs. Exit status: 0 success,
1 something failed (one line on standard error says what), 2 wrong usage, 130 Ctrl-C.
"""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the command line of this process and exit with its status."""
    import io
    import sys

    from isx.cli.app import app

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names in files may hold what an old terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="isx")
