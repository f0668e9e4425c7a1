"""`python DIR/evenly_worker serve FRAMEWORK`: a process that evenly talks to.

Written for any Python, so that one which is too old can say so.
"""

import os
import sys

NEEDED = (3, 9)


def too_old():
    """Tells evenly what this Python is."""
    found = ".".join(map(str, sys.version_info[:3]))
    told = "this is Python " + found + ", and evenly needs 3.9 or newer: is `python` in evenly.toml"
    line = '{"failed":{"message":"' + told + ' right?"}}\n'
    os.write(int(os.environ["EVENLY_PROTOCOL_FD"]), line.encode())


def package(place):
    """Makes this directory the package `evenly_worker`, and nothing else of it importable."""
    from importlib import util

    if sys.path and os.path.realpath(sys.path[0]) == place:
        sys.path[0] = os.getcwd()  # as `python -m` has it
    file = os.path.join(place, "__init__.py")
    spec = util.spec_from_file_location("evenly_worker", file, submodule_search_locations=[place])
    module = util.module_from_spec(spec)
    sys.modules["evenly_worker"] = module
    spec.loader.exec_module(module)


def main():
    """The command line; returns the exit status."""
    if sys.version_info < NEEDED:
        too_old()
        return 2
    command, name = sys.argv[1:]
    if command != "serve":
        sys.stderr.write("usage: python evenly_worker serve FRAMEWORK\n")
        return 2
    package(os.path.dirname(os.path.realpath(__file__)))
    sys.argv[:] = ["python -m " + name]  # tests must not mistake our arguments for theirs
    sys.modules["__main__"].__spec__ = None  # as a script has it
    from evenly_worker import serve

    return serve.main(name)


if __name__ == "__main__":
    sys.exit(main())
