"""The vendor's module path of the plain records."""

import sys

from openisx.core import _records

sys.modules[__name__] = _records
