from openisx.core._records import *
