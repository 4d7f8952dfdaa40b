"""The module :mod:`openisx.structures`."""

import sys

from openisx import structures

sys.modules[__name__] = structures
