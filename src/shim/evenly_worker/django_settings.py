"""From a suite's keys to the project's test runner: settings, `args`, Django set up."""

import argparse
import ast
import os
import sys
import traceback

from .channel import Refused

OLDEST = (4, 2)
HERE_INSTEAD = {
    "parallel": "evenly's workers run groups side by side: `workers` in `[run]`",
    "failfast": "use `fail-fast` in `[run]`",
    "keepdb": "evenly keeps what migrations made by itself",
    "pdb": "no terminal is connected to tests",
    "reverse": "evenly decides which group runs when",
    "shuffle": "evenly decides which group runs when",
    "timing": "evenly measures each test",
}
OFF = {"parallel": 0, "failfast": False, "keepdb": False, "pdb": False}
OFF.update(reverse=False, shuffle=False, timing=False, interactive=False)


def load(options):
    """Sets Django up; returns the project's test runner and the labels to test."""
    words, labels = list(options.get("args", [])), list(options.get("paths", []))
    # Settings ask these whether they are for tests.
    sys.argv[:] = ["manage.py", "test", *words, *labels]
    first = _first_of_all(words)
    module = options.get("settings") or first.settings or os.environ.get("DJANGO_SETTINGS_MODULE")
    module = module or _of_manage_py()
    if first.pythonpath:
        sys.path.insert(0, first.pythonpath)
    _set_up(module)
    kwargs = _arguments(words, labels)
    labels = kwargs.pop("args")
    return _runner(kwargs), labels


def _first_of_all(words):
    """What Django takes out of a command line before it knows the command's own arguments."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--settings")
    parser.add_argument("--pythonpath")
    return parser.parse_known_args(words)[0]


def _of_manage_py():
    """The settings' module that `manage.py` sets, or sets where none is."""
    try:
        with open("manage.py", encoding="utf-8") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        tree = None
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("environ.setdefault"):
            pair = node.args
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            pair = [node.targets[0].slice, node.value]
        else:
            continue
        values = [item.value for item in pair if isinstance(item, ast.Constant)]
        if len(values) == 2 and values[0] == "DJANGO_SETTINGS_MODULE":
            return values[1]
    raise Refused(
        "nothing says which settings to use: give the suite `settings`, or set "
        "DJANGO_SETTINGS_MODULE in its `env` (no manage.py here names them)"
    )


def _set_up(module):
    os.environ["DJANGO_SETTINGS_MODULE"] = module
    try:
        import django
    except ModuleNotFoundError as error:
        if error.name != "django":
            raise
        raise Refused(
            f"Django is not installed for {sys.executable}: is `python` in evenly.toml right?"
        ) from None
    if django.VERSION[:2] < OLDEST:
        raise Refused(f"Django {django.get_version()} is too old: evenly needs 4.2 or newer")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured

    try:
        _ = settings.INSTALLED_APPS
    except ModuleNotFoundError as error:
        if error.name and (module == error.name or module.startswith(f"{error.name}.")):
            text = f"there is no module `{module}`: is `settings` in evenly.toml right?"
            raise Refused(text, traceback.format_exc()) from None
        raise _not_set_up(error, f"the settings `{module}`") from None
    except Exception as error:  # noqa: BLE001
        raise _not_set_up(error, f"the settings `{module}`") from None
    try:
        django.setup()
    except ImproperlyConfigured as error:
        raise Refused(f"Django is configured improperly: {error}", traceback.format_exc()) from None
    except Exception as error:  # noqa: BLE001
        raise _not_set_up(error, "the installed apps") from None


def _not_set_up(error, what):
    text = f"{what} cannot be loaded: {type(error).__name__}: {error}"
    return Refused(text, traceback.format_exc())


def _arguments(words, labels):
    """`args` and `paths` as `manage.py test` reads them, with the runner's own arguments."""
    from django.core.management import get_commands, load_command_class
    from django.core.management.base import BaseCommand, CommandError
    from django.core.management.utils import get_command_line_option

    command = get_commands()["test"]
    if not isinstance(command, BaseCommand):
        command = load_command_class(command, "test")
    command.test_runner = get_command_line_option(["manage.py", "test", *words], "--testrunner")
    try:
        parser = command.create_parser("manage.py", "test")
        found = vars(parser.parse_args([*words, *labels]))
    except (CommandError, ImportError, AttributeError) as error:
        text = str(error).removeprefix("Error: ")
        raise Refused(f"`args` of this suite: {text}", traceback.format_exc()) from None
    except SystemExit:
        raise Refused("`args` of this suite ask for help or a version, not for tests") from None
    for name, instead in HERE_INSTEAD.items():
        if name in found and found[name] != parser.get_default(name):
            flag = next(a.option_strings[-1] for a in parser._actions if a.dest == name)
            raise Refused(f"leave `{flag}` out of `args`: {instead}")
    found.update({name: value for name, value in OFF.items() if name in found})
    return found


def _runner(kwargs):
    """An object of the class that TEST_RUNNER or `--testrunner` names."""
    from django.conf import settings
    from django.test.utils import get_runner

    name = kwargs.get("testrunner") or settings.TEST_RUNNER
    try:
        kind = get_runner(settings, kwargs.get("testrunner"))
        runner = kind(**kwargs)
    except Exception as error:  # noqa: BLE001
        raise _not_set_up(error, f"the test runner `{name}`") from None
    needed = ("build_suite", "setup_databases", "run_suite", "run_checks", "suite_result")
    missing = [method for method in (*needed, "run_tests") if not hasattr(runner, method)]
    if missing:
        raise Refused(
            f"the test runner `{name}` has no `{missing[0]}`: evenly drives "
            "django.test.runner.DiscoverRunner and what is derived from it"
        )
    runner.parallel = 0
    return runner
