"""The command ``isx``: look at files, export them, try the package on a sample recording.

Importing this costs nothing; what draws on terminals is imported when the command runs. Exit status: 0 success,
1 something failed (one line on standard error says what), 2 wrong usage, 130 Ctrl-C.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line of this process and exit with its status."""
    listens = signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
    if listens:
        signal.signal(signal.SIGINT, _stop)
    _prepare_streams()
    from openisx._cli.app import app

    if listens:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    app(prog_name="isx")


def _stop(*_: object) -> None:
    """End at once on Ctrl-C while modules are imported, where an exception may be turned into any other."""
    os.write(2, b"Interrupted.\n")
    os._exit(130)


class _Stream(io.TextIOWrapper):
    """A standard stream that goes on in silence when its reader leaves, as in ``isx info ... | head``."""

    reader_left = False

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self._go_on(error)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._go_on(error)

    def _go_on(self, error: OSError) -> None:
        if error.errno not in (errno.EPIPE, errno.EINVAL):  # what a closed pipe is on Unix, and on Windows
            raise error
        self.reader_left = True
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, self.fileno())
        os.close(silence)


def _prepare_streams() -> None:
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:  # closed; a file opened later on must not take its place
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
        elif mode == "w" and isinstance(stream, io.TextIOWrapper):
            encoding, by_line = stream.encoding, stream.line_buffering
            # names in files may hold what an old terminal cannot show
            setattr(sys, name, _Stream(stream.detach(), encoding, "backslashreplace", line_buffering=by_line))
