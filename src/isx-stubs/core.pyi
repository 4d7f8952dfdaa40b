from openisx.core import *
