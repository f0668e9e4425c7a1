"""Settings for Django's own test suite, as its `tests/runtests.py` makes them.

To be used in the directory `tests` of Django's source package, with this file's directory on
PYTHONPATH. `DJANGO_SUITE` names the settings that say which databases to use (Django's own
`test_sqlite` otherwise), and `DJANGO_SUITE_APPS` some of its test apps, all otherwise.
"""

import copy
import importlib
import os
import sys

sys.path.insert(0, os.getcwd())

import runtests
from django.utils.log import DEFAULT_LOGGING

_databases = importlib.import_module(os.environ.get("DJANGO_SUITE", "test_sqlite"))
globals().update({name: value for name, value in vars(_databases).items() if name.isupper()})

_wanted = os.environ.get("DJANGO_SUITE_APPS", "").split()
TEST_APPS = list(runtests.get_filtered_test_modules(None, None, False, test_labels=_wanted))

INSTALLED_APPS = list(runtests.ALWAYS_INSTALLED_APPS)
for _module in TEST_APPS:
    for _app in (*runtests.CONTRIB_TESTS_TO_APPS.get(_module, ()), _module):
        if _app not in INSTALLED_APPS:
            INSTALLED_APPS.append(_app)

LANGUAGE_CODE = "en"
MIDDLEWARE = runtests.ALWAYS_MIDDLEWARE
MIGRATION_MODULES = {"auth": None, "contenttypes": None, "sessions": None}
ROOT_URLCONF = "urls"
SILENCED_SYSTEM_CHECKS = ["fields.W342"]
SITE_ID = 1
STATIC_ROOT = os.path.join(runtests.TMPDIR, "static")
STATIC_URL = "static/"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [runtests.TEMPLATE_DIR],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
LOGGING = copy.deepcopy(DEFAULT_LOGGING)
LOGGING["loggers"]["django"]["level"] = "ERROR"
TEST_RUNNER = "django_suite.Runner"

os.environ["RUNNING_DJANGOS_TEST_SUITE"] = "true"


def __getattr__(name):
    """The runner's class, made when it is asked for: it needs settings."""
    if name != "Runner":
        raise AttributeError(name)
    from django.test import TestCase, TransactionTestCase
    from django.test.runner import DiscoverRunner
    from django.utils.functional import classproperty

    def no_available_apps(cls):
        raise RuntimeError(
            "Please define available_apps in TransactionTestCase and its subclasses."
        )

    TransactionTestCase.available_apps = classproperty(no_available_apps)
    TestCase.available_apps = None

    class Runner(DiscoverRunner):
        def build_suite(self, test_labels=None, **kwargs):
            return super().build_suite(list(test_labels or ()) or TEST_APPS, **kwargs)

    globals()[name] = Runner
    return Runner
