"""The vendor's module path of the data classes and exports; the module is :mod:`openisx.io`."""
# ruff: noqa: F403

import sys

from openisx.io import *

sys.modules[__name__] = sys.modules["openisx.io"]
