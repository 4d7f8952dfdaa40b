"""The module :mod:`openisx.viz`."""
# ruff: noqa: F403

import sys

from openisx.viz import *

sys.modules[__name__] = sys.modules["openisx.viz"]
