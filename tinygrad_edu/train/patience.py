"""A Ctrl-C that waits until what belongs together is done."""

from __future__ import annotations

import signal
import threading
from typing import Any

__all__ = ["Patience"]


class Patience:
    """Lets a Ctrl-C wait between `begin` and `end`; a second one does not wait.

    Signals are left alone outside of the main thread, and where the program has a handler of its
    own. `leave` puts back what was before.
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
        """From now on, an interruption waits."""
        self.busy = True

    def end(self) -> None:
        """Raises the KeyboardInterrupt that has waited."""
        self.busy = False
        if self.asked:
            raise KeyboardInterrupt

    def leave(self) -> None:
        """Puts back the handler of before."""
        if self.previous is not None:
            signal.signal(signal.SIGINT, self.previous)
