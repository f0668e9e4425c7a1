"""The main process, which lists and forks, and a worker, which runs groups."""

import atexit
import contextlib
import gc
import importlib
import os
import random
import resource
import select
import signal
import sys
import tempfile
import time
import warnings

from .channel import DETAIL_BYTES_MAX, PROTOCOL, Channel, Real, Refused, cut, one_line
from .output import Leftovers, Output, be_subreaper
from .results import NEVER_RAN, Report

PROTOCOL_FD = "EVENLY_PROTOCOL_FD"
CHILDREN_POLL_MS = 1000
IMPLEMENTATIONS = {"cpython": "CPython", "pypy": "PyPy"}
PAGE_BYTES = resource.getpagesize()


def main(name):
    """Talks to evenly until it wants no more, and ends the process."""
    channel = Channel(int(os.environ.pop(PROTOCOL_FD)), with_sockets=True)
    try:
        status = Main(channel, name).serve()
    except Refused as refused:
        status = failed(channel, refused.message, refused.detail)
    except SystemExit as end:
        status = failed(channel, f"the suite's code ended the process: exit({end.code})", trace())
    except BaseException as error:  # noqa: BLE001 (told to evenly)
        status = failed(channel, f"{type(error).__name__}: {error}", trace())
    leave(status)


def leave(status):
    """Ends the process as the interpreter would, but waits for no thread and no child."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        atexit.unregister(util._exit_function)
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    Real.exit(status)


def failed(channel, message, detail=""):
    """Tells why there is no answer, as far as evenly is still there; returns the exit status."""
    with contextlib.suppress(OSError):
        told = {"message": one_line(message), "detail": cut(detail, DETAIL_BYTES_MAX)}
        channel.send("failed", told)
    return 2


def trace():
    """The exception that is being handled, with the whole way to it."""
    return Real.format_exc()


class Main:
    """A suite's main process. It runs no test, unless it is a worker itself."""

    poll = staticmethod(select.poll)
    _fork = staticmethod(os.fork)
    _waitpid = staticmethod(os.waitpid)

    def __init__(self, channel, name):
        self.channel = channel
        self.name = name
        self.framework = None
        self.forks = False
        self.listed = False
        self.seeded = None
        self.ahead = None
        self.children = {}
        self.wake = None
        self.sigchld = signal.SIG_DFL

    def serve(self):
        """Answers until `stop` or the socket's end."""
        message = self.next()
        if message is None or message[0] == "stop":
            return 0
        if message[0] != "hello":
            raise Refused(f"evenly asked for `{message[0]}` before it said hello")
        self.hello(message[1])
        within = getattr(self.framework, "within", None)
        if within is None:
            return self.answer()
        self.ahead = self.next()
        if self.ahead is None or self.ahead[0] == "stop":
            return 0
        if self.ahead[0] == "start":  # a worker that never lists: its variables come before all
            os.environ.update(self.ahead[1]["env"])
        return within(self.answer)

    def answer(self):
        """Answers what comes after `hello`; in a worker that unwinds, returns its exit status."""
        while True:
            message, self.ahead = self.ahead or self.next(), None
            if message is None or message[0] == "stop":
                return 0
            kind, body = message
            if kind == "list":
                self.list()
            elif kind == "fork" and self.forks:
                status = self.fork(body["worker"])
                if status is not None:
                    return status
            elif kind == "signal":
                self.signal(body["worker"], body["signal"])
            elif kind == "start" and not self.forks:
                return self.leave(Worker(self.channel, self.framework, self.listed).start(body))
            else:
                raise Refused(f"evenly asked for `{kind}`, which this process does not do")

    def hello(self, body):
        """Makes the framework."""
        if body["protocol"] != PROTOCOL:
            raise Refused(f"evenly speaks protocol {body['protocol']}, its worker {PROTOCOL}")
        module = importlib.import_module(f"evenly_worker.{self.name}_framework")
        self.framework = module.framework(body["options"])
        wanted = body["processes"] == "fork" and hasattr(os, "fork")
        self.forks = wanted and self.framework.forks()
        ready = {"protocol": PROTOCOL, "framework": self.framework.version()}
        language = IMPLEMENTATIONS.get(sys.implementation.name, sys.implementation.name)
        ready["language"] = f"{language} {'.'.join(map(str, sys.version_info[:3]))}"
        self.channel.send("ready", {**ready, "forks": self.forks})

    def list(self):
        """Tells all groups."""
        with Seeding() as seeding:
            found = self.framework.collect(None)
        self.seeded = seeding.state
        self.listed = True
        for group in found.groups:
            try:
                self.channel.send("group", group.message())
            except Refused:
                text = f"group `{group.name}` has too many tests for a message: use `group-by`"
                raise Refused(text) from None
        broken = [{"name": name, "message": message} for name, message in found.broken]
        told = {"groups": len(found.groups), "broken": broken, "databases": found.databases}
        self.channel.send("listed", told)
        if self.forks:
            gc.collect()
            gc.freeze()

    def next(self):
        """The next message; meanwhile tells of workers that ended."""
        while True:
            message = self.channel.buffered()
            if message is not None:
                return message
            if not self.forks:
                if not self.channel.fill():
                    return None
                continue
            poll = self.poll()
            poll.register(self.channel.fd, select.POLLIN)
            poll.register(self.wakeup(), select.POLLIN)
            self.reap()
            ready = poll.poll(CHILDREN_POLL_MS if self.children else None)
            if any(fd == self.channel.fd for fd, _ in ready) and not self.channel.fill():
                return None

    def wakeup(self):
        """A descriptor that is readable when a child may have ended."""
        if self.wake is None:
            self.wake = os.pipe()
            for end in self.wake:
                os.set_blocking(end, False)
        before = signal.signal(signal.SIGCHLD, woken)
        if before is not woken:
            self.sigchld = before
        signal.set_wakeup_fd(self.wake[1], warn_on_full_buffer=False)
        with contextlib.suppress(BlockingIOError):
            Real.read(self.wake[0], 4096)
        return self.wake[0]

    def reap(self):
        """Tells of each worker that has ended."""
        for worker, pid in list(self.children.items()):
            try:
                found, status = self._waitpid(pid, os.WNOHANG)
            except ChildProcessError:  # the suite's own code waited for it
                found, status = pid, 0
            if found:
                del self.children[worker]
                code = os.waitstatus_to_exitcode(status)
                end = {"exited": code} if code >= 0 else {"signaled": -code}
                self.channel.send("ended", {"worker": worker, "pid": pid, "end": end})

    def signal(self, worker, number):
        """Sends a signal to a worker that was not waited for."""
        pid = self.children.get(worker)
        if pid is None:
            return
        try:
            os.killpg(pid, number)
        except ProcessLookupError:  # it has no group of its own yet
            os.kill(pid, number)

    def leave(self, status):
        """The end of a worker: at once, or the way out of what `within` is in."""
        if not getattr(self.framework, "unwinds", False):
            leave(status)
        return status

    def fork(self, worker):
        """Makes a worker; returns in it alone something, its exit status, when it is to unwind."""
        socket = self.channel.socket()
        sys.stdout.flush()
        sys.stderr.flush()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the suite's own threads are the suite's own matter
            pid = self._fork()
        if pid == 0:
            return self.child(socket)
        Real.close(socket)
        self.children[worker] = pid
        self.channel.send("forked", {"worker": worker, "pid": pid})
        return None

    def child(self, socket):
        """The new process, to its end; returns its exit status if it is to unwind."""
        status = 2
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, self.sigchld or signal.SIG_DFL)
            for end in self.wake or ():
                Real.close(end)
            os.setsid()
            be_subreaper()
            atexit._clear()
            if self.seeded is not None:
                random.setstate(self.seeded)
            channel = Channel(socket)
            status = Worker(channel, self.framework, self.listed).serve()
        except BaseException:  # noqa: BLE001 (the process ends)
            Real.print_exc()
        return self.leave(status)


def woken(number, frame):
    """The handler of SIGCHLD, which has only to be there for the wakeup descriptor."""


class Seeding:
    """Notes whether the suite gives `random` a state while it is imported.

    Python seeds it anew in each fork. A suite that made its numbers repeatable has them so in a
    plain run too, and gets its own state back.
    """

    def __enter__(self):
        self.state = None
        self._functions = {name: getattr(random, name) for name in ("seed", "setstate")}
        self._called = False
        for name, function in self._functions.items():
            setattr(random, name, self._noting(function))
        return self

    def _noting(self, function):
        def noting(*args, **kwargs):
            self._called = True
            return function(*args, **kwargs)

        return noting

    def __exit__(self, *error):
        for name, function in self._functions.items():
            setattr(random, name, function)
        if self._called:
            self.state = random.getstate()


class Worker:
    """Runs what it is told, on a socket of its own."""

    def __init__(self, channel, framework, listed):
        self.channel = channel
        self.framework = framework
        self.listed = listed
        self.output = None
        self.leftovers = None

    def serve(self):
        """The life of a forked worker; returns the exit status."""
        message = self.channel.receive()
        if message is None:
            return 0
        if message[0] != "start":
            return failed(self.channel, f"evenly began a worker with `{message[0]}`")
        return self.live(message[1])

    def start(self, body):
        """The life of a process that is a worker from now on; returns the exit status."""
        if os.getpgrp() != os.getpid():
            os.setsid()
        be_subreaper()
        return self.live(body)

    def live(self, body):
        """From `start` to `stop`; returns the exit status."""
        try:
            self.begin(body)
            while True:
                message = self.channel.receive()
                if message is None or message[0] == "stop":
                    break
                kind, body = message
                if kind == "run":
                    self.run(body)
                elif kind == "prepare":
                    self.prepare(body)
                else:
                    raise Refused(f"evenly asked a worker for `{kind}`")
            return self.end()
        except Refused as refused:
            return failed(self.channel, refused.message, refused.detail)
        except BaseException as error:  # noqa: BLE001 (told to evenly)
            return failed(self.channel, f"{type(error).__name__}: {error}", trace())

    def begin(self, body):
        """Takes the variables over."""
        os.environ.update(body["env"])
        if "TMPDIR" in body["env"]:
            tempfile.tempdir = None
        if "TZ" in body["env"]:
            time.tzset()
        self.output = Output()
        self.framework.begin(body["worker"], body["env"])
        self.leftovers = Leftovers(getattr(self.framework, "signals_are_ours", True))
        self.channel.send("started", {"pid": Real.getpid()})

    def prepare(self, body):
        """Fills a database."""
        with self.output.into(body["output"]):
            try:
                self.framework.prepare(body["alias"], body["url"], body.get("databases", {}))
            except Refused:
                Real.print_exc()
                raise
            except BaseException as error:
                text = f"cannot prepare `{body['alias']}`: {type(error).__name__}: {error}"
                raise Refused(text, trace()) from error
        self.channel.send("prepared", {"alias": body["alias"]})

    def run(self, body):
        """Runs tests of a group. Each of them has a result afterwards, whatever happens."""
        report = Report(self.channel, body["group"], body["tests"])
        with self.output.into(body["output"]):
            dirty, good = list(body["databases"]), False
            try:
                if not self.listed:
                    self.framework.collect(body["tests"])
                finish = self.framework.run(body["tests"], body["databases"], report)
                dirty, good = finish.dirty, finish.good and not report.doubled
                report.rest(NEVER_RAN)
            except Refused as refused:
                report.rest(refused.message, refused.detail)
            except BaseException as error:  # noqa: BLE001 (each test has a result)
                Real.print_exc()
                report.rest(f"{type(error).__name__}: {error}", trace())
            self.leftovers.put_back()
        told = {"dirty": dirty, "memory-bytes": memory_bytes(), "good": good}
        self.channel.send("group-finished", told)

    def end(self):
        """Undoes what was done for the suite; returns the exit status."""
        self.framework.end()
        self.output.flush()
        return 0


def memory_bytes():
    """What this process has resident."""
    try:
        file = Real.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return int(Real.read(file, 256).split()[1]) * PAGE_BYTES
        finally:
            Real.close(file)
    except (OSError, ValueError, IndexError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
