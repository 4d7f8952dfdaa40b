"""The command ``isx``: look at files, export them, try the package on a sample recording.

Importing this costs nothing; what draws on terminals is imported when the command runs. Exit status: 0 success,
1 something failed (one line on standard error says what), 2 wrong usage, 130 Ctrl-C.
"""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the command line of this process and exit with its status."""
    import io
    import os
    import sys

    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed; a file opened later on must not take its place
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
    from openisx._cli.app import app

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names in files may hold what an old terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="isx")
