from __future__ import annotations

import numpy as np
import pytest

import isx
from openisx import synthetic as samples


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    """A small sample movie."""
    scene = samples.Scene(seed=5, num_frames=120, shape=(50, 70), num_neurons=5)
    return samples.write(tmp_path_factory.mktemp("sample"), scene, ["movie"])["movie"]


@pytest.fixture
def write_movie():
    """Writes a small plain movie."""

    def write(path, start=0, frames=4, shape=(2, 3), dtype=np.uint16, **timing):
        instant = isx.Time._from_secs_since_epoch(isx.Duration.from_msecs(round(1000 * start)))
        clock = isx.Timing(num_samples=frames, start=instant, **timing)
        with isx.Movie.write(path, clock, isx.Spacing(shape), dtype) as movie:
            for i in clock.get_valid_samples():
                movie.set_frame_data(int(i), np.full(shape, i, dtype))
        return str(path)

    return write


@pytest.fixture
def run(monkeypatch):
    """Runs the command line in this process; gives (status, standard output, standard error)."""
    from typer.testing import CliRunner

    from openisx._cli.app import app

    monkeypatch.setenv("NO_COLOR", "1")

    def command(*arguments):
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.stdout, result.stderr

    return command
