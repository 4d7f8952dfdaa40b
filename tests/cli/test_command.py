"""The command as a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import warnings

import pytest

import isx
from openisx._cli.terminal import shown_warnings


def _isx(*arguments, start=("-m", "isx")):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "NO_COLOR": "1"}
    return subprocess.Popen(
        [sys.executable, *start, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment,
    )


def test_process(sample, tmp_path):
    process = _isx("info", sample, tmp_path / "missing.isxd")
    out, err = process.communicate()
    assert process.returncode == 1
    assert "M-0417" in out
    assert err == f"error: File does not exist: {tmp_path / 'missing.isxd'}\n"
    assert _isx("--version").communicate()[0] == f"isx {isx.__version__}\n"


@pytest.mark.skipif(sys.platform == "win32", reason="written for a Unix shell")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&- <&-"])
def test_closed_streams(sample, tmp_path, closed):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    arguments = ["export", sample, "-o", str(tmp_path / "out.tif")]
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-m", "isx", *arguments],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out.tif").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of Unix decides what a closed pipe is")
@pytest.mark.parametrize("arguments", [["info"], ["info", "--json"], ["--version"], ["--help"]])
def test_nobody_reads_on(sample, arguments):
    read, write = os.pipe()
    os.close(read)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    files = [sample] * 40 if arguments[0] == "info" else []
    done = subprocess.run(
        [sys.executable, "-m", "isx", *arguments, *files],
        stdout=write,
        stderr=subprocess.PIPE,
        env=environment,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal to send to another process")
def test_ctrl_c(tmp_path):
    # A shell without job control starts its background jobs deaf to Ctrl-C, tests among them.
    listening = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from openisx._cli import main; main()"
    process = _isx("demo", tmp_path / "demo", "--frames", "50000", start=("-c", listening))
    while not any(path.stat().st_size for path in tmp_path.glob("demo/.*.partial")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert err == "Interrupted; nothing half-written is left.\n"
    assert not list((tmp_path / "demo").iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal to send to another process")
@pytest.mark.parametrize("module", ["numpy", "openisx._cli.app", "rich.console"])
def test_ctrl_c_while_modules_are_imported(tmp_path, module):
    start = f"""
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
from openisx_command import main
main()
"""
    process = _isx("info", tmp_path, start=("-c", start))
    out, err = process.communicate()
    assert (process.returncode, out, err) == (130, "", "Interrupted.\n")


def test_news_for_programmers_are_not_shown(capsys):
    class Deprecated(
        UserWarning, DeprecationWarning
    ):  # what Matplotlib provokes in some versions of pyparsing
        pass

    with shown_warnings():
        warnings.warn("use that instead", Deprecated, stacklevel=1)
        warnings.warn("frame 3 is lost", isx.IsxWarning, stacklevel=1)
    assert capsys.readouterr().err == "warning: frame 3 is lost\n"


def test_help_fits_terminals(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for command in ("", "info", "export", "timestamps", "align", "decompress", "recover", "demo", "doctor"):
        status, out, err = run(*command.split(), "--help")
        assert (status, err) == (0, "")
        assert max(map(len, out.splitlines())) <= 80
        assert "..." not in out.partition("Commands:")[2]  # no summary is cut
        assert not re.search("<|list|str\\b", out.replace("--list", ""))  # no types of Python
    assert "cell set    .csv .tif" in run("export", "--help")[1]
