"""The module :mod:`openisx.sync`."""

import sys

from openisx import sync

sys.modules[__name__] = sync
