"""The module :mod:`openisx.synthetic`."""

import sys

from openisx import synthetic

sys.modules[__name__] = synthetic
