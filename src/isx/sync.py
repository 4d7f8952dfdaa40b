"""The module :mod:`openisx.sync`."""
# ruff: noqa: F403

import sys

from openisx.sync import *

sys.modules[__name__] = sys.modules["openisx.sync"]
