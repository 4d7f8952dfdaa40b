from openisx.sync import *
from openisx.sync import __all__ as __all__
