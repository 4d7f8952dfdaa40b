from openisx.synthetic import *
