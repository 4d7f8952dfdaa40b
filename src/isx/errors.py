"""The module :mod:`openisx.errors`."""
# ruff: noqa: F403

import sys

from openisx.errors import *

sys.modules[__name__] = sys.modules["openisx.errors"]
