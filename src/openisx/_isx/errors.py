"""The module :mod:`openisx.errors`."""

import sys

from openisx import errors

sys.modules[__name__] = errors
