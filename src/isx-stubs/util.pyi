from openisx.util import *
from openisx.util import __all__ as __all__
