"""Locks in forked processes."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from openisx._files.locks import WithLock


class Thing(WithLock):
    def __init__(self) -> None:
        self._make_lock()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_lock_that_another_thread_holds_is_free_in_the_child() -> None:
    thing = Thing()
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with thing._lock:
            held.set()
            done.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(10)
    child = os.fork()
    if not child:
        signal.alarm(20)  # ends the child if it waits for ever
        with thing._lock:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert thing._lock.locked()  # here it still is
    done.set()
    thread.join()
