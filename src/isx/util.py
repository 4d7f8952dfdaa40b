"""The vendor's module path of the helpers for paths; the module is :mod:`openisx.util`."""
# ruff: noqa: F403

import sys

from openisx.util import *

sys.modules[__name__] = sys.modules["openisx.util"]
