# What isx.py offers, for type checkers: they cannot read the modules of a single file (PEP 561).
from openisx import *
from openisx import __all__ as __all__
from openisx import __version__ as __version__
from openisx import _is_with_algos as _is_with_algos
from openisx import open as open  # noqa: A004
from openisx import sync as sync
from openisx import synthetic as synthetic
from openisx import viz as viz
