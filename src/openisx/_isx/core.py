"""The vendor's module path of the value types."""

import sys

from openisx import core

sys.modules[__name__] = core
