"""Property tests draw the same examples everywhere, so that a run says something about the change alone.

``HYPOTHESIS_PROFILE=explore pytest`` draws new ones. Tests that need an extra which is not installed are skipped.
"""

import os
from collections.abc import Generator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

import isx

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

HAS_ALL_EXTRAS = all(find_spec(name) for name in ("av", "h5py", "matplotlib", "openpyxl", "pandas"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    try:
        return (yield)
    except isx.IsxImportError as error:
        if HAS_ALL_EXTRAS:
            raise
        pytest.skip(str(error))


@pytest.fixture
def longest(tmp_path: Path) -> Path:
    """A path whose name is as long as most systems take."""
    path = tmp_path / ("n" * 250 + ".isxd")
    try:
        path.touch()
    except OSError:
        pytest.skip("this system takes shorter paths only")
    path.unlink()
    return path
