from openisx.viz import *
