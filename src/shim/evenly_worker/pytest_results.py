"""What pytest reports of a test, in up to three phases and several tries, folded to one result."""

import os
import re
from itertools import islice
from operator import is_

from .channel import DETAIL_BYTES_MAX, cut, one_line, shown
from .results import NEVER_RAN, RANK, brief, relative, tell

TRIES_MAX = 100
# As evenly keeps them: more would only be sent.
PROPERTIES_MAX = 256
PROPERTY_BYTES_MAX = 16 << 10
PROPERTIES_BYTES_MAX = 64 << 10
CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
XPASS = "[XPASS(strict)]"


class Fold:
    """The tests of one run, of which one runs at a time."""

    def __init__(self, report, names):
        self._report = report
        self._left = {}
        self._cases = {}
        for name in names:
            self._left[name] = self._left.get(name, 0) + 1
        self._case = None
        self.good = True

    def begin(self, name, item):
        """A test begins; of several of one id each is a part of one result."""
        self._report.started(name)
        self._case = self._cases.setdefault(name, Case(name, item))
        self._case.begin(item)

    def add(self, report, category):
        """A phase has ended. `category` is what pytest, or a plugin, calls that."""
        if self._case is not None:
            self._case.add(report, category)

    def escaped(self, error, detail):
        """Something ended the test that would have ended pytest."""
        self._case.problem("errored", brief((type(error), error)), type(error).__name__, detail)

    def end(self):
        """A test has ended."""
        case, self._case = self._case, None
        if not case.reported:
            case.problem("errored", NEVER_RAN, "NoResult", NEVER_RAN)
        self._left[case.name] -= 1
        if self._left[case.name] == 0:
            del self._cases[case.name]
            case.tell(self._report)
            self.good = self.good and RANK[case.outcome] <= RANK["skipped"]


class Case:
    """One test's result, as far as it is known."""

    def __init__(self, name, item):
        self.name = name
        self._item = item
        self._seconds = 0.0
        self._messages = []
        self._details = []
        self._kind = None
        # The tries before this one.
        self._earlier = []
        # What each of its parts recorded.
        self._recorded = []
        self.outcome = None
        self.reported = False

    def begin(self, item):
        """A part of it begins: the whole of it as a rule."""
        self.reported = False
        self._recorded.append(Recorded(item))

    def add(self, report, category):
        """What one phase came to."""
        self._seconds += getattr(report, "duration", 0.0) or 0.0
        self._recorded[-1].add(report)
        if report.outcome == "rerun":
            self._tried(report)
        elif report.failed:
            outcome = "failed" if report.when == "call" else "errored"
            self.problem(outcome, message_of(report), kind_of(report), detail_of(report))
        elif is_of_a_part(report):
            return  # its test has a report of its own
        elif report.skipped:
            self._good("skipped", reason_of(report))
        elif report.when == "call":
            xpassed = f"passed, and was to fail: {report.wasxfail}" if category == "xpassed" else ""
            self._good("passed", xpassed)

    def _good(self, outcome, message):
        self.reported = True
        if self.outcome is None or RANK[outcome] > RANK[self.outcome]:
            self.outcome = outcome
        if message:
            self._messages.append(message)

    def problem(self, outcome, message, kind, detail):
        """Something of it went wrong."""
        self.reported = True
        if self.outcome is None or RANK[outcome] > RANK[self.outcome]:
            if self.outcome is not None and RANK[self.outcome] <= RANK["skipped"]:
                self._messages.clear()
            self.outcome, self._kind = outcome, kind
        self._messages.append(shown(message))
        self._details.append(shown(detail))
        tell("FAIL" if outcome == "failed" else "ERROR", shown(self.name), shown(detail))

    def _tried(self, report):
        """A plugin will try it again: so far this was a try of its own."""
        outcome = "failed" if report.when == "call" else "errored"
        self.problem(outcome, message_of(report), kind_of(report), detail_of(report))
        tried = {"outcome": self.outcome, "duration-us": max(0, round(self._seconds * 1e6))}
        if len(self._earlier) < TRIES_MAX:
            detail = cut("\n".join(self._details), DETAIL_BYTES_MAX // 8)
            tried.update(message=one_line("; ".join(self._messages)), detail=detail)
            if self._kind:
                tried["kind"] = self._kind
            self._earlier.append(tried)
        self.outcome, self._kind, self._seconds, self.reported = None, None, 0.0, False
        self._recorded[-1].try_again()
        self._messages.clear()
        self._details.clear()

    def tell(self, report):
        """Reports it."""
        more = names(self.name, self._item)
        if RANK[self.outcome] > RANK["skipped"]:
            more.update(kind=self._kind, detail="\n".join(self._details))
        message = "; ".join(map(one_line, self._messages)) if self._messages else None
        recorded = [pair for part in self._recorded for pair in part.pairs]
        more.update(message=message, earlier=self._earlier or None)
        more.update(properties=list(properties(recorded)) or None)
        report.finished(self.name, self.outcome, self._seconds, **more)


class Recorded:
    """What a test recorded about itself, in the last of its tries: pairs of a name and a value."""

    def __init__(self, item):
        self._item = item
        # What it had before it ran, and what it had when its last try began.
        self._own = list(item.user_properties)
        self._before = self._own
        self.pairs = []

    def add(self, report):
        """A phase has ended, whose report has all that was recorded until then.

        So the last phase's counts, as in pytest's own JUnit file. The tries before are in it too.
        """
        pairs = list(getattr(report, "user_properties", None) or ())
        before = self._before
        # They themselves: to ask whether they are equal would be up to the test's own objects.
        if len(pairs) >= len(before) and all(map(is_, pairs, before)):
            pairs = self._own + pairs[len(before) :]
        self.pairs = pairs

    def try_again(self):
        """This try is over, and what it recorded stays with the item."""
        self._before, self.pairs = list(self._item.user_properties or ()), []


def properties(pairs):
    """What was recorded as evenly is told of it: as texts, and as much of it as is kept."""
    room = PROPERTIES_BYTES_MAX
    for name, value in islice(texts(pairs), PROPERTIES_MAX):
        name, value = cut(name, PROPERTY_BYTES_MAX), cut(value, PROPERTY_BYTES_MAX)
        size = len(name.encode()) + len(value.encode())
        if size <= room:
            room -= size
            yield {"name": name, "value": value}


def texts(pairs):
    """Names and values as texts; what a test put beside them is nothing."""
    for pair in pairs:
        try:
            name, value = pair
        except BaseException:  # noqa: BLE001, S112 (a test's own object)
            continue
        yield text_of(name), text_of(value)


def text_of(value):
    """What pytest's own JUnit file has of a name or a value."""
    try:
        return shown(str.__str__(str(value)))  # of a kind of `str` too, that alone
    except BaseException:  # noqa: BLE001 (a test's own `__str__`)
        return "(its text cannot be made)"


def is_of_a_part(report):
    """Whether it is of a subtest."""
    return hasattr(report, "context") and type(report).__name__.lower() == "subtestreport"


def kind_of(report):
    """The class of the exception."""
    if str(report.longrepr).startswith(XPASS):
        return "XPASS"
    return getattr(report, "evenly_kind", None)


def message_of(report):
    """What pytest's own JUnit file has as the message, but for what is above its first line."""
    longrepr = report.longrepr
    crash = getattr(longrepr, "reprcrash", None)
    if crash is not None:
        text = str(crash.message)
    elif isinstance(longrepr, tuple):
        text = str(longrepr[2])
    else:
        text = str(getattr(longrepr, "errorstring", None) or longrepr or "")
    text = one_line(text) or "failed"
    if report.when in ("setup", "teardown"):
        text = f'failed on {report.when} with "{text}"'
    if is_of_a_part(report):
        text = f"{part_of(report)}: {text}"
    return text


def part_of(report):
    """What a subtest is called."""
    for name in ("_sub_test_description", "sub_test_description"):
        describe = getattr(report, name, None)
        if describe is not None:
            return str(describe()).strip()
    return "subtest"


def detail_of(report):
    """The whole of a failure: its trace, and what the test printed, logged and recorded."""
    parts = [part_of(report)] if is_of_a_part(report) else []
    parts.append(report.longreprtext)
    for title, text in report.sections:
        if text:
            parts.append(f"{f' {title} ':-^70}\n{text.rstrip()}")
    lines = [f"{name}: {value}" for name, value in texts(report.user_properties or ())]
    if lines:
        parts.append("\n".join([f"{' Recorded properties ':-^70}", *lines]))
    return "\n".join(parts)


def reason_of(report):
    """Why a test was skipped, or failed as expected."""
    if hasattr(report, "wasxfail"):
        reason = report.wasxfail.removeprefix("reason: ")
        return f"failed as expected: {reason}" if reason else "failed as expected"
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    return shown(str(reason)).removeprefix("Skipped: ")


def names(name, item):
    """JUnit's class and name as pytest makes them, and the file and line where a test stands."""
    told = address(name)
    file, line, _ = item.location
    told["file"] = relative(os.path.normpath(os.path.join(str(item.config.rootpath), file)))
    if line is not None:
        told["line"] = line + 1
    return told


def address(name):
    """JUnit's class and name, as pytest makes them of an id."""
    path, bracket, parameters = name.partition("[")
    parts = path.split("::")
    parts[0] = parts[0].replace("/", ".").removesuffix(".py")
    parts[-1] = CONTROL.sub(spelled, parts[-1] + bracket + parameters)
    return {"class": ".".join(parts[:-1]), "case": parts[-1]}


def spelled(found):
    """What XML cannot hold, as pytest's JUnit file has it."""
    code = ord(found[0])
    return f"#x{code:02X}" if code <= 0xFF else f"#x{code:04X}"
