"""The vendor's module path of the data classes and exports."""

import sys

from openisx import io

sys.modules[__name__] = io
