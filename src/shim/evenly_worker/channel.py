"""evenly's socket: JSON objects of one key, one a line, whatever tests do to this process."""

import codecs
import contextlib
import fcntl
import json
import os
import resource
import socket
import traceback
from typing import ClassVar

PROTOCOL = 1
MESSAGE_BYTES_MAX = 16 << 20
DETAIL_BYTES_MAX = 512 << 10
READ_BYTES = 1 << 16
FD_TOP = 4096


class Real:
    """Functions as they were before any test replaced them.

    They are kept in a class, since tools that replace clocks look through modules' own names.
    """

    write = staticmethod(os.write)
    read = staticmethod(os.read)
    close = staticmethod(os.close)
    dup2 = staticmethod(os.dup2)
    open = staticmethod(os.open)
    getpid = staticmethod(os.getpid)
    exit = staticmethod(os._exit)
    fcntl = staticmethod(fcntl.fcntl)
    format_exc = staticmethod(traceback.format_exc)
    print_exc = staticmethod(traceback.print_exc)


class Refused(Exception):
    """What evenly is told instead of an answer: one line of why and what to do, and a trace."""

    def __init__(self, message, detail=""):
        super().__init__(message)
        self.message = message
        self.detail = detail


def _escape(error):
    """Lone surrogates become `\\uNNNN`, with the backslash that JSON wants doubled."""
    found = error.object[error.start : error.end]
    return "".join(f"\\\\u{ord(one):04x}" for one in found), error.end


codecs.register_error("evenly.escape", _escape)
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_decode = json.JSONDecoder().decode


def shown(text):
    """Text as evenly sees it in a message."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text


def cut(text, bytes_max):
    """A text that is too long, without its middle."""
    half = bytes_max // 2
    if len(text) > bytes_max:
        text = text[:half] + text[-half:]
        short = True
    else:
        short = False
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= bytes_max and not short:
        return text
    mark = " … (cut) … "
    keep = half - len(mark)
    return data[:keep].decode("utf-8", "ignore") + mark + data[-keep:].decode("utf-8", "ignore")


def one_line(text, bytes_max=8 << 10):
    """The first line of a text, short enough for a message."""
    line = text.lstrip().partition("\n")[0].partition("\r")[0]
    return cut(line.rstrip(), bytes_max)


def out_of_reach(fd):
    """Moves a descriptor to where no test closes it by counting, and where no child gets it."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    top = FD_TOP if soft == resource.RLIM_INFINITY else min(soft, FD_TOP)
    moved = Real.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, max(top - 64, 3))
    Real.close(fd)
    return moved


class Channel:
    """One socket, which belongs to the process that made this object."""

    _open: ClassVar = []

    def __init__(self, fd, with_sockets=False):
        self.fd = out_of_reach(fd)
        os.set_blocking(self.fd, True)
        self._end = socket.socket(fileno=self.fd) if with_sockets else None
        self._owner = Real.getpid()
        self._buffer = bytearray()
        self._sockets = []
        self._open.append(self)

    def send(self, kind, body):
        """Sends a message; a fork that came back from a test ends here."""
        data = (_encode({kind: body}) + "\n").encode("utf-8", "evenly.escape")
        if len(data) > MESSAGE_BYTES_MAX:
            raise Refused(f"a message `{kind}` of {len(data)} bytes is longer than evenly reads")
        self._mine()
        view = memoryview(data)
        try:
            while view:
                view = view[Real.write(self.fd, view) :]
        except (BrokenPipeError, ConnectionResetError):
            Real.exit(1)  # evenly is gone

    def receive(self):
        """The next message as its key and what it holds, or None when evenly has gone."""
        while True:
            self._mine()
            message = self.buffered()
            if message is not None:
                return message
            if not self.fill():
                return None

    def fill(self):
        """Waits for bytes, and returns whether there were any."""
        if self._end is None:
            data = Real.read(self.fd, READ_BYTES)
        else:
            flags = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
            data, fds, _, _ = socket.recv_fds(self._end, READ_BYTES, 16, flags)
            self._sockets.extend(fds)
        self._buffer += data
        return bool(data)

    def socket(self):
        """The socket that came first and was not taken yet."""
        return self._sockets.pop(0)

    def buffered(self):
        """The next message of those that were read."""
        line, found, rest = self._buffer.partition(b"\n")
        if not found:
            if len(self._buffer) > MESSAGE_BYTES_MAX:
                raise Refused("evenly sent a message that is too long")
            return None
        self._buffer = rest
        ((kind, body),) = _decode(line.decode()).items()
        return kind, body

    def _mine(self):
        if Real.getpid() != self._owner:
            Real.exit(1)

    @classmethod
    def _forget(cls):
        """In a fork: its parent's sockets are not its own."""
        for channel in cls._open:
            if channel._end is not None:
                channel._end.detach()
            with contextlib.suppress(OSError):
                Real.close(channel.fd)
        cls._open.clear()


os.register_at_fork(after_in_child=Channel._forget)
