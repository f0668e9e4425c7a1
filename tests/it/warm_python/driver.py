"""Says to a warm worker what evenly would, and prints what it is told.

    driver.py PACKAGE FRAMEWORK SCENARIO

PACKAGE is the directory `evenly_worker`. SCENARIO is JSON; nothing in it is needed:

    options     the suite's options
    processes   "fork" or "separate"
    lists       false: the process is not asked to list; `groups` has what it is to run
    groups      the names of the groups to run, in this order, or {name: [test]}
    env         the variables of `start`
    databases   the clones of `run`
    hangs-up    true: the worker's socket is closed in place of `stop`
    signals     {test: number}: what a worker is sent when the test has started

A worker that dies is replaced, and the rest of its group is run by the next one. Each line is who
said something, a tab and the message: `main`, `worker`, or `output` and `log` with a JSON string.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile


class Peer:
    """One socket."""

    def __init__(self, who, end):
        self.who, self.end, self.buffer = who, end, b""

    def say(self, kind, body, *fds):
        """Sends a message."""
        data = json.dumps({kind: body}).encode() + b"\n"
        if fds:
            socket.send_fds(self.end, [data], fds)
        else:
            self.end.sendall(data)

    def hear(self):
        """The next message, which is printed; (None, None) when there are no more."""
        while b"\n" not in self.buffer:
            try:
                data = self.end.recv(1 << 20)
            except ConnectionResetError:
                data = b""
            if not data:
                return None, None
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        tell(self.who, line.decode())
        ((kind, body),) = json.loads(line).items()
        return kind, body


def tell(who, text):
    """Prints a line."""
    sys.stdout.write(f"{who}\t{text}\n")


def tell_file(who, path):
    """Prints a file."""
    with open(path, encoding="utf-8", errors="backslashreplace", newline="") as file:
        tell(who, json.dumps(file.read()))


class Driver:
    """One suite, one worker at a time."""

    def __init__(self, package, framework, scenario, place):
        self.package, self.framework, self.scenario = package, framework, scenario
        self.log, self.output = os.path.join(place, "log"), os.path.join(place, "output")
        self.env = {"EVENLY_WORKER": "0", "EVENLY_TMPDIR": place, **scenario.get("env", {})}
        self.main = self.process = self.worker = None
        self.forks = False

    def start(self):
        """Starts a process and says hello; returns whether it is there."""
        ours, theirs = socket.socketpair()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-B", self.package, "serve", self.framework],
                env={**os.environ, "EVENLY_PROTOCOL_FD": str(theirs.fileno())},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        theirs.close()
        self.main = Peer("main", ours)
        hello = {"protocol": 1, "framework": self.framework}
        hello["processes"] = self.scenario.get("processes", "fork")
        self.main.say("hello", {**hello, "options": self.scenario.get("options", {})})
        kind, body = self.main.hear()
        self.forks = kind == "ready" and body["forks"]
        return kind == "ready"

    def list(self):
        """The groups that are to run, as {name: [test]}, or None if that failed."""
        wanted = self.scenario.get("groups")
        if not self.scenario.get("lists", True):
            return wanted
        self.main.say("list", {})
        found = {}
        while True:
            kind, body = self.main.hear()
            if kind == "listed":
                return found if wanted is None else {name: found[name] for name in wanted}
            if kind != "group":
                return None
            found[body["name"]] = body["tests"]

    def begin(self):
        """Makes a worker."""
        if self.forks:
            ours, theirs = socket.socketpair()
            self.main.say("fork", {"worker": 0}, theirs.fileno())
            theirs.close()
            self.main.hear()
            self.worker = Peer("worker", ours)
        else:
            if self.process.poll() is not None:
                self.start()
            self.worker = Peer("worker", self.main.end)
        self.worker.say("start", {"worker": 0, "env": self.env})
        self.worker.hear()

    def run(self, group, tests):
        """Runs a group, by as many workers as it takes."""
        left = list(tests)
        while left:
            told = {"group": group, "tests": left, "output": self.output}
            self.worker.say("run", {**told, "databases": self.scenario.get("databases", {})})
            finished, running = self.hear_group(left)
            if finished:
                break
            self.ended()
            if running is not None:
                left.remove(running)
            self.begin()
        tell_file("output", self.output)
        open(self.output, "wb").close()

    def hear_group(self, left):
        """Takes what was finished from `left`; returns whether all is, and the running test."""
        running = None
        while True:
            kind, body = self.worker.hear()
            if kind == "group-finished":
                return True, None
            if kind == "test-started":
                running = body["test"]
                number = self.scenario.get("signals", {}).get(running)
                if number is not None:
                    self.signal(number)
            elif kind == "test-finished":
                running = None
                if body["test"] in left:
                    left.remove(body["test"])
            else:
                return False, running

    def signal(self, number):
        """Sends the worker a signal."""
        if self.forks:
            self.main.say("signal", {"worker": 0, "signal": number})
        else:
            self.process.send_signal(number)

    def ended(self):
        """A worker has ended."""
        if self.forks:
            self.main.hear()
        else:
            self.process.wait()

    def stop(self):
        """Ends the worker and the main process."""
        if self.scenario.get("hangs-up"):
            self.worker.end.close()
        else:
            self.worker.say("stop", {})
        if self.forks:
            self.main.hear()
            self.main.say("signal", {"worker": 0, "signal": signal.SIGKILL})
            self.main.say("stop", {})
        tell("exit", str(self.process.wait()))


def main():
    """The scenario from its begin to its end."""
    package, framework, scenario = sys.argv[1:]
    with tempfile.TemporaryDirectory() as place:
        driver = Driver(package, framework, json.loads(scenario), place)
        groups = driver.list() if driver.start() else None
        if groups is None:
            tell("exit", str(driver.process.wait()))
        else:
            driver.begin()
            for group, tests in groups.items():
                driver.run(group, tests)
            driver.stop()
        tell_file("log", driver.log)


main()
