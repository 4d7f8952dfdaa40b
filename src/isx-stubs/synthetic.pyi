from openisx.synthetic import *
from openisx.synthetic import __all__ as __all__
