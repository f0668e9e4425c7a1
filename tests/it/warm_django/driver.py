"""Acts as evenly towards a warm worker: lists, fills SQLite templates, runs every group.

    warm_driver.py PACKAGE FRAMEWORK WORKERS OPTIONS RESULTS

PACKAGE is the directory `evenly_worker`, OPTIONS the suite's options as JSON. RESULTS gets a line a
test: id, outcome, seconds, message. It runs in the suite's directory, with the Python that is to
run the tests.
"""

import array
import json
import os
import pathlib
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import time


class Failed(Exception):
    def __init__(self, told):
        super().__init__(f"{told['message']}\n{told.get('detail')}")
        self.message = told["message"]


class Peer:
    def __init__(self, end):
        self.end = end
        self.buffer = b""

    def say(self, kind, body, *fds):
        text = json.dumps({kind: body}).encode() + b"\n"
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        sent = self.end.sendmsg([text], rights)
        if sent < len(text):
            self.end.sendall(text[sent:])

    def fill(self):
        data = self.end.recv(1 << 16)
        self.buffer += data
        return bool(data)

    def heard(self):
        line, found, rest = self.buffer.partition(b"\n")
        if not found:
            return None
        self.buffer = rest
        ((kind, body),) = json.loads(line).items()
        return kind, body

    def wait(self, *wanted):
        while True:
            message = self.heard()
            if message is None:
                if not self.fill():
                    sys.exit(f"the worker is gone, {wanted} was waited for")
            elif message[0] in wanted:
                return message
            elif message[0] == "failed":
                raise Failed(message[1])
            elif message[0] != "ended":
                raise Failed({"message": f"{wanted} was waited for, not {str(message)[:300]}"})


class Files:
    """Databases of SQLite below a directory."""

    def __init__(self, work):
        self.work = work

    def empty(self, name):
        return f"sqlite:{self.work / name}"

    def clone(self, template, name):
        shutil.copy(self.work / template, self.work / name)
        return f"sqlite:{self.work / name}"


class Driver:
    def __init__(self, package, framework, workers, options, results, env=None, databases=None):
        self.peers = []
        self.began = time.monotonic()
        self.loud = __name__ == "__main__"
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="warm-"))
        ours, theirs = socket.socketpair()
        self.environment = {**os.environ, **(env or {})}
        environment = {**self.environment, "EVENLY_PROTOCOL_FD": str(theirs.fileno())}
        self.main_output = self.work / "main"
        with self.main_output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, package, "serve", framework],
                pass_fds=[theirs.fileno()],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        theirs.close()
        self.main = Peer(ours)
        hello = {"protocol": 1, "framework": framework, "processes": "fork", "options": options}
        self.main.say("hello", hello)
        self.results = results
        self.workers = workers
        self.databases_of = databases or Files(self.work)
        self.templates = {}
        self.clones = {}
        self.count = 0
        self.first = None
        self.outcomes = []
        self.finishes = {}
        self.deaths = 0

    def list(self):
        """Waits for what the suite holds."""
        self.ready = self.main.wait("ready")[1]
        self.main.say("list", {})
        self.groups = []
        while True:
            kind, body = self.main.wait("group", "listed")
            if kind == "listed":
                break
            self.groups.append(body)
        self.broken, self.databases = body["broken"], body["databases"]
        assert body["groups"] == len(self.groups)
        tests = sum(len(group["tests"]) for group in self.groups)
        self.log(f"listed {len(self.groups)} groups, {tests} tests, {len(self.broken)} broken")

    def log(self, text):
        if self.loud:
            print(f"{time.monotonic() - self.began:8.2f} {text}", flush=True)

    def fork(self, worker):
        ours, theirs = socket.socketpair()
        self.main.say("fork", {"worker": worker}, theirs.fileno())
        theirs.close()
        self.main.wait("forked")
        peer = Peer(ours)
        peer.say("start", {"worker": worker, "env": {"EVENLY_WORKER": str(worker)}})
        peer.wait("started")
        return peer

    def prepare(self, fork=None):
        used = {alias for group in self.groups for alias in group["databases"]}
        waiting = {d["alias"]: d for d in self.databases if not d["mirror"] and d["alias"] in used}
        peer = (fork or self.fork)(99)
        while waiting:
            alias = next(a for a, d in waiting.items() if not set(d["after"]) & set(waiting))
            name = f"evenly_template_{alias}"
            url = self.databases_of.empty(name)
            peer.say("prepare", {"alias": alias, "url": url, "output": str(self.work / "prepare")})
            peer.wait("prepared")
            self.templates[alias] = name
            del waiting[alias]
        peer.say("stop", {})
        while peer.fill():
            pass
        peer.end.close()
        self.log("templates are full")

    def separate(self, package, options):
        """A worker that is a process of its own, and lists nothing."""
        ours, theirs = socket.socketpair()
        environment = {**self.environment, "EVENLY_PROTOCOL_FD": str(theirs.fileno())}
        command = [sys.executable, package, "serve", "django"]
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=environment)
        theirs.close()
        peer = Peer(ours)
        self.peers.append((process, peer))
        hello = {"protocol": 1, "framework": "django", "processes": "separate", "options": options}
        peer.say("hello", hello)
        assert peer.wait("ready")[1]["forks"] is False
        peer.say("start", {"worker": 1, "env": {"EVENLY_WORKER": "1"}})
        peer.wait("started")
        return peer

    def clone(self, worker, alias, anew=False):
        primary = next((d["mirror"] or alias for d in self.databases if d["alias"] == alias), None)
        if primary is None:
            return None
        key = (worker, primary)
        if anew or key not in self.clones:
            self.count += 1
            name = f"test_{worker}_{primary}_{self.count}"
            self.clones[key] = self.databases_of.clone(self.templates[primary], name)
        return self.clones[key]

    def run(self, groups, fork=None):
        """Runs groups: those that are not late first. Where a worker dies, the test that ran is an
        error, and a fresh worker on fresh clones goes on behind it."""
        queue = sorted(groups, key=lambda group: group["late"])
        selector = selectors.DefaultSelector()
        fork = fork or self.fork
        self.running = {}

        def begin(worker, peer):
            if not queue:
                peer.say("stop", {})
                return
            group = queue.pop(0)
            found = {alias: self.clone(worker, alias) for alias in group["databases"]}
            found = {alias: url for alias, url in found.items() if url}
            output = str(self.work / f"output_{worker}")
            self.running[worker] = [group, dict.fromkeys(group["tests"]), None]
            body = {"group": group["name"], "tests": group["tests"], "output": output}
            peer.say("run", {**body, "databases": found})

        def start(worker):
            peer = fork(worker)
            selector.register(peer.end, selectors.EVENT_READ, (worker, peer))
            begin(worker, peer)

        for worker in range(self.workers):
            start(worker)
        while selector.get_map():
            for key, _ in selector.select():
                worker, peer = key.data
                if not peer.fill():
                    selector.unregister(peer.end)
                    peer.end.close()
                    if self.running.get(worker):
                        queue.insert(0, self.after_death(worker))
                        start(worker)
                    continue
                while (message := peer.heard()) is not None:
                    self.take(worker, *message)
                    if message[0] == "group-finished":
                        begin(worker, peer)

    def after_death(self, worker):
        """What is left of a group whose worker died."""
        group, waiting, running = self.running[worker]
        self.log(f"worker {worker} died in {group['name']}, {running}")
        self.deaths += 1
        if running is not None:
            told = {"test": running, "outcome": "errored", "duration-us": 0, "message": "died"}
            self.take(worker, "test-finished", told)
        for alias in group["databases"]:
            self.clone(worker, alias, anew=True)
        return {**group, "tests": list(waiting)}

    def take(self, worker, kind, body):
        group, waiting, _ = self.running[worker]
        if kind == "test-started" and self.first is None:
            self.first = time.monotonic()
            self.log("first test")
        if kind == "test-finished":
            waiting.pop(body["test"], None)
            self.running[worker][2] = None
            self.outcomes.append(body)
            line = [body["test"], body["outcome"], body["duration-us"] / 1e6]
            more = [group["name"], body.get("message"), body.get("detail")]
            self.results.write(json.dumps([*line, *more]) + "\n")
        elif kind == "group-finished":
            self.running[worker] = None
            self.finishes[group["name"]] = body
            if waiting:
                self.log(f"{group['name']} left out {sorted(waiting)[:3]}")
            for alias in body["dirty"]:
                self.clone(worker, alias, anew=True)
        elif kind == "test-started":
            self.running[worker][2] = body["test"]
        else:
            self.log(f"{kind} {body}")

    def stop(self):
        self.main.say("stop", {})
        self.main.end.shutdown(socket.SHUT_WR)
        self.process.wait()
        self.main.end.close()
        self.log(f"ended with {self.process.returncode}")

    def end(self):
        """Ends the process, whatever state it is in."""
        for process, peer in [(self.process, self.main), *self.peers]:
            if process.poll() is None:
                process.kill()
                process.wait()
            peer.end.close()

    def remove(self):
        shutil.rmtree(self.work)


def main():
    package, framework, workers, options, path = sys.argv[1:]
    with open(path, "w") as results:
        driver = Driver(package, framework, int(workers), json.loads(options), results)
        driver.list()
        for broken in driver.broken:
            print("broken", broken)
        driver.prepare()
        driver.run(driver.groups)
        driver.log("all groups are done")
        driver.stop()
    if "KEEP" in os.environ:
        print(driver.work)
    else:
        driver.remove()


if __name__ == "__main__":
    main()
