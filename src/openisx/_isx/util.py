"""The vendor's module path of the helpers for paths."""

import sys

from openisx import util

sys.modules[__name__] = util
