from openisx.errors import *
