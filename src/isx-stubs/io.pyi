from openisx.io import *
from openisx.io import __all__ as __all__
