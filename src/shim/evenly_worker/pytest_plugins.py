"""What evenly does for single plugins of pytest, where one run has become several processes."""

import os


def databases(config, items):
    """pytest-django's databases, where it is there and tests use some; else None."""
    if not config.pluginmanager.hasplugin("django"):
        return None
    from pytest_django.lazy_django import django_settings_is_configured

    if not django_settings_is_configured():
        return None
    from .pytest_databases import of

    return of(config, items)


def keep_coverage_apart(config):
    """Each process leaves what it measured in a file of its own, for `coverage combine`.

    pytest-cov would combine at its end whatever lies there, other processes' files as well, and
    make its reports of what this one has run.
    """
    plugin = config.pluginmanager.get_plugin("_cov")
    controller = getattr(plugin, "cov_controller", None)
    if controller is None or getattr(controller, "cov", None) is None:
        return

    def finish():
        here = os.getcwd()
        os.chdir(controller.topdir)  # where pytest-cov would write
        try:
            controller.cov.stop()
            controller.cov.save()
        finally:
            os.chdir(here)

    controller.cov._warn_no_data = False
    controller.finish = finish
    plugin._should_report = lambda: False
