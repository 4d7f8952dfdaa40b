"""The module :mod:`openisx.structures`."""
# ruff: noqa: F403

import sys

from openisx.structures import *

sys.modules[__name__] = sys.modules["openisx.structures"]
