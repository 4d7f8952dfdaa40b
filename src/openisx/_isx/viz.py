"""The module :mod:`openisx.viz`."""

import sys

from openisx import viz

sys.modules[__name__] = viz
