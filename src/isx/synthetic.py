"""The module :mod:`openisx.synthetic`."""
# ruff: noqa: F403

import sys

from openisx.synthetic import *

sys.modules[__name__] = sys.modules["openisx.synthetic"]
