"""What surrounds a group in its worker: its output file, and all that a test may leave changed."""

import contextlib
import ctypes
import faulthandler
import io
import os
import signal
import sys

from .channel import Real, out_of_reach

try:
    _libc = ctypes.CDLL(None)
except OSError:
    _libc = None
PR_SET_CHILD_SUBREAPER = 36
APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


def be_subreaper():
    """On Linux, what tests leave behind becomes this process's child."""
    if sys.platform == "linux" and _libc is not None:
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Output:
    """Descriptors 1 and 2, and where they point between groups."""

    def __init__(self):
        self._own = out_of_reach(os.dup(2))
        self._crash = out_of_reach(os.dup(2))
        self._null = out_of_reach(os.open(os.devnull, os.O_RDONLY))
        self._streams = [self._stream(1, sys.stdout), self._stream(2, sys.stderr)]
        self._take()

    def _stream(self, fd, old):
        """A text stream of ours on a descriptor, as Python's own but written line by line."""
        with contextlib.suppress(Exception):
            if old.fileno() == fd:
                old.reconfigure(line_buffering=True)
                return old
        encoding = getattr(old, "encoding", None) or "utf-8"
        binary = io.FileIO(fd, "w", closefd=False)
        return io.TextIOWrapper(
            io.BufferedWriter(binary), encoding, "backslashreplace", line_buffering=True
        )

    def _take(self):
        for index, fd in enumerate((1, 2)):
            if self._streams[index].closed:
                self._streams[index] = self._stream(fd, None)
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__ = self._streams

    def flush(self):
        """Writes what Python and C hold back."""
        for stream in {id(s): s for s in (*self._streams, sys.stdout, sys.stderr)}.values():
            with contextlib.suppress(Exception):
                stream.flush()
        if _libc is not None:
            _libc.fflush(None)

    def _point(self, fd):
        Real.dup2(fd, 1)
        Real.dup2(fd, 2)
        Real.dup2(fd, self._crash, False)
        Real.dup2(self._null, 0)

    @contextlib.contextmanager
    def into(self, path):
        """Points the streams at a file, and back."""
        file = Real.open(path, APPEND, 0o666)
        try:
            self.flush()
            self._point(file)
        finally:
            Real.close(file)
        self._take()
        faulthandler.enable(file=self._crash)
        try:
            yield
        finally:
            self.flush()
            self._point(self._own)
            self._take()


class Leftovers:
    """The directory, signal handlers, the mask, timers, the umask, put back after a group."""

    _umask = staticmethod(os.umask)
    _sigmask = staticmethod(signal.pthread_sigmask)
    _getsignal = staticmethod(signal.getsignal)
    _signal = staticmethod(signal.signal)
    _setitimer = staticmethod(signal.setitimer)
    _chdir = staticmethod(os.chdir)

    def __init__(self, signals):
        self._here = os.getcwd()
        self._mode = self._umask(0o022)
        self._umask(self._mode)
        self._mask = self._sigmask(signal.SIG_BLOCK, ())
        self._handlers = {}
        if signals:
            for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
                self._handlers[number] = self._getsignal(number)

    def put_back(self):
        """Undoes what tests changed."""
        for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
            self._setitimer(timer, 0)
        for number, handler in self._handlers.items():
            if handler is not None and self._getsignal(number) is not handler:
                self._signal(number, handler)
        self._sigmask(signal.SIG_SETMASK, self._mask)
        self._umask(self._mode)
        with contextlib.suppress(OSError):
            self._chdir(self._here)
