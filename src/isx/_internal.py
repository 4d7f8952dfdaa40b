"""The vendor's module path of the plain records; the module is :mod:`openisx.core._records`."""
# ruff: noqa: F403

import sys

from openisx.core._records import *

sys.modules[__name__] = sys.modules["openisx.core._records"]
