from openisx.viz import *
from openisx.viz import __all__ as __all__
