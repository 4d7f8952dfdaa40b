from openisx.errors import *
from openisx.errors import __all__ as __all__
