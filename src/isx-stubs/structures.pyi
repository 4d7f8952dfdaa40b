from openisx.structures import *
