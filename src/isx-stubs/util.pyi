from openisx.util import *
