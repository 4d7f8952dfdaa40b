from openisx.sync import *
