"""Runs inside the vendor's virtual environment: executes snippets sent by the tests and returns what they bind.

Never imported by the tests themselves. Messages are pickles with an 8-byte length in front.
"""

import os
import pickle
import struct
import sys
import traceback
import warnings

warnings.simplefilter("ignore")
replies = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)  # whatever the library prints goes to standard error

import numpy as np  # noqa: E402

import isx  # noqa: E402


def receive():
    head = sys.stdin.buffer.read(8)
    if len(head) < 8:
        sys.exit(0)
    return pickle.loads(sys.stdin.buffer.read(struct.unpack("<Q", head)[0]))


while True:
    code, inputs = receive()
    scope = {"isx": isx, "np": np, **inputs}
    try:
        exec(code, scope)
        reply = ("ok", scope.get("out"))
    except BaseException as error:
        reply = ("error", (type(error).__name__, str(error), traceback.format_exc()))
    data = pickle.dumps(reply, protocol=4)
    replies.write(struct.pack("<Q", len(data)) + data)
    replies.flush()
