from openisx.core import *
from openisx.core import __all__ as __all__
