from openisx.io import *
