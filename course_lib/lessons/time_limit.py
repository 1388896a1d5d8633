"""An end to answers that do not end."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

BETWEEN_LOOKS = 0.5  # seconds


class OverTime(BaseException):
    """The code took too long. Not an Exception: an answer that catches those must not go on."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """End the code of the block once it has run so long and the process has computed so long.

    Another thread looks on and raises the exception in this one, which works in every thread and on every system,
    in a notebook as in a test, and leaves signals and their timers to others. Python raises it before its next step:
    a loop is ended, a single call into C that never returns is not. Both the clock and the time of computing have to
    be over: a busy machine and a reader in the debugger are not out of time, and neither are eight threads at once.

    Parameters
    ----------
    seconds : on the clock, and of processor time of all threads of this process together.

    Raises
    ------
    OverTime
        In the block, again and again until it is left.
    """
    thread, lock, left = threading.get_ident(), threading.Lock(), threading.Event()
    clocks = (time.monotonic, time.process_time)
    ends = [clock() + seconds for clock in clocks]

    def is_over() -> bool:
        return all(clock() > end for clock, end in zip(clocks, ends, strict=True))

    def look_on() -> None:
        while not left.wait(min(seconds, BETWEEN_LOOKS)):
            with lock:
                if is_over() and not left.is_set():
                    _raise_in(thread, OverTime)

    threading.Thread(target=look_on, daemon=True).start()
    try:
        yield
    finally:
        while True:
            try:
                left.set()
                with lock:  # once the other thread has looked for the last time
                    _raise_in(thread, None)  # takes back what was not raised yet
                break
            except OverTime:  # it came while the block was being left
                continue


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    pointer = ctypes.py_object(error) if error else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), pointer)
