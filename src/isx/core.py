"""The vendor's module path of the value types; the module is :mod:`openisx.core`."""
# ruff: noqa: F403

import sys

from openisx.core import *

sys.modules[__name__] = sys.modules["openisx.core"]
