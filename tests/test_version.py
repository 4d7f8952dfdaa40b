"""The version, and the numbers of it that files hold."""

import pytest

from openisx._formats.isxd.metadata import PRODUCER
from openisx._version import __version__, release


@pytest.mark.parametrize(
    ("version", "numbers"),
    [
        ("3.0.0", [3, 0, 0]),
        ("3.0.0rc1", [3, 0, 0]),
        ("3.10.2.dev4", [3, 10, 2]),
        ("3.1a2", [3, 1, 0]),
        ("4.0.dev1+g12ab", [4, 0, 0]),
        ("3.0.1.post1", [3, 0, 1]),
    ],
)
def test_pre_releases_are_written_to_files_as_three_numbers(version, numbers):
    assert release(version) == numbers


def test_the_producer_of_files():
    assert {"name": "isx", "version": release(__version__)} == PRODUCER
