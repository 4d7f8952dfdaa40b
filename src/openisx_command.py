"""Entry point of the command ``isx``, outside the package so that Ctrl-C ends it well while NumPy is imported."""

from __future__ import annotations

import os
import signal

__all__ = ["main"]


def main() -> None:
    """Import the package, and run its command line."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _stop)
    from openisx._cli import main as run

    run()


def _stop(*_: object) -> None:
    os.write(2, b"Interrupted.\n")
    os._exit(130)
