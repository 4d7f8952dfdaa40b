from openisx.structures import *
from openisx.structures import __all__ as __all__
