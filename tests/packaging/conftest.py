"""Fresh environments for the tests of installing; ``ISX_WHEEL`` names the wheel of this package to install.

``ISX_VENDOR_WHEEL`` may name the vendor's wheel; without it one with the same names of files stands in. The environments
have no network: the dependencies are those of the environment that runs the tests.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from builders.environments import Environment, make_wheel


@pytest.fixture
def fresh(tmp_path: Path) -> Environment:
    return Environment(tmp_path / "environment")


@pytest.fixture(scope="session")
def ours() -> Path:
    wheel = os.environ.get("ISX_WHEEL")
    if not wheel:
        pytest.skip("ISX_WHEEL does not name a wheel of this package")
    return Path(wheel).resolve()


@pytest.fixture(scope="session")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    wheel = os.environ.get("ISX_VENDOR_WHEEL")
    if wheel:
        return Path(wheel).resolve()
    files = {
        "isx/__init__.py": "from isx.io import Movie\n",
        "isx/io.py": "class Movie:\n    pass\n",
        **{f"isx/{name}.py": "" for name in ("_internal", "algo", "core", "util", "test/__init__")},
    }
    return make_wheel(tmp_path_factory.mktemp("vendor"), "isx", "2.1.0", files)
