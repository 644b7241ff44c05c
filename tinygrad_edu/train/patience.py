"""Delays a Ctrl-C until a step is complete."""

from __future__ import annotations

import signal
import threading
from typing import Any

__all__ = ["Patience"]


class Patience:
    """Delays a Ctrl-C between `begin` and `end`; a second one takes effect at once.

    It changes nothing outside of the main thread, or if the program has its own signal handler.
    `leave` restores the old handler.
    """

    def __init__(self) -> None:
        self.busy = self.asked = False
        self.previous: Any = None
        here = threading.current_thread() is threading.main_thread()
        if here and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self.previous = signal.signal(signal.SIGINT, self._interrupted)

    def _interrupted(self, number: int, frame: Any) -> None:
        if self.busy and not self.asked:
            self.asked = True
        else:
            raise KeyboardInterrupt

    def begin(self) -> None:
        """Delays interruptions from now on."""
        self.busy = True

    def end(self) -> None:
        """Raises the delayed KeyboardInterrupt, if there is one."""
        self.busy = False
        if self.asked:
            raise KeyboardInterrupt

    def leave(self) -> None:
        """Restores the old signal handler."""
        if self.previous is not None:
            signal.signal(signal.SIGINT, self.previous)
