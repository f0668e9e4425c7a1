"""What a filled database depends on, as a hash.

Migrations of all installed apps with what they import and what lies beside them; fixtures of apps
whose migrations load some; what Django derives from models without a migration: tables of apps that
have none, permissions, content types; receivers of its signals; engine, settings, versions.
"""

import contextlib
import hashlib
import importlib
import importlib.util
import inspect
import os
import re
import sys
import weakref

SETTINGS = (
    "AUTH_USER_MODEL",
    "DATABASE_ROUTERS",
    "DEFAULT_AUTO_FIELD",
    "DEFAULT_INDEX_TABLESPACE",
    "DEFAULT_TABLESPACE",
    "INSTALLED_APPS",
    "LANGUAGE_CODE",
    "SITE_ID",
    "TIME_ZONE",
    "USE_I18N",
    "USE_TZ",
)
SOURCES_MAX = 20_000
IMPORT = re.compile(
    rb"^[ \t]*(?:from|import)[ \t]+(\.*)([\w.]*)(?:[ \t]+import[ \t]+\(?([^#\n]*))?", re.MULTILINE
)
NAME = re.compile(rb"\w+")


class Sources:
    """Files, read once each; those of Django itself go by its version."""

    def __init__(self):
        import django

        self._django = os.path.dirname(os.path.abspath(django.__file__)) + os.sep
        self._files = {}
        self.found = set()

    def add_module(self, name):
        """A module's own file."""
        file = getattr(sys.modules.get(name), "__file__", None)
        if file:
            self.add(file)

    def add_importable(self, name):
        """The file of a module that may not be imported yet, or not be one."""
        if name in sys.modules:
            self.add_module(name)
            return
        with contextlib.suppress(Exception):
            spec = importlib.util.find_spec(name)
            if spec is not None and spec.has_location:
                self.add(spec.origin)

    def add(self, path):
        """A file; returns what is in it."""
        path = os.path.abspath(path)
        if path not in self._files and len(self._files) < SOURCES_MAX:
            own = path.startswith(self._django) and not path.startswith(self._django + "contrib")
            self._files[path] = b"" if own else _read(path)
        self.found.add(path)
        return self._files.get(path, b"")

    def add_tree(self, directory):
        """All files below a directory; returns their contents."""
        texts = []
        for place, directories, files in os.walk(directory):
            directories[:] = sorted(set(directories) - {"__pycache__"})
            texts.extend(self.add(os.path.join(place, name)) for name in sorted(files))
        return texts

    def digest(self):
        """Contents with the end of their paths: the same in another directory."""
        here = os.getcwd() + os.sep
        found = hashlib.sha256()
        for path in sorted(self.found):
            text = self._files.get(path, b"")
            found.update(f"{path.removeprefix(here)}\0{len(text)}\0".encode("utf-8", "replace"))
            found.update(text)
        return found.hexdigest()


def _read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def shared(runner):
    """The part of the key that all aliases have, as one text."""
    import django
    from django.apps import apps
    from django.conf import settings

    sources = Sources()
    lines = [django.get_version()]
    lines += [f"{name}={getattr(settings, name, None)!r}" for name in SETTINGS]
    for cache in settings.CACHES.values():
        lines.append(f"{cache.get('BACKEND')} {cache.get('LOCATION')!r}")
    for config in apps.get_app_configs():
        lines.append(_app(config, sources))
    for kind in type(runner).__mro__:
        sources.add_module(kind.__module__)
    _receivers(sources)
    for router in settings.DATABASE_ROUTERS:
        named = isinstance(router, str)
        sources.add_module(router.rpartition(".")[0] if named else type(router).__module__)
    return "\n".join([*lines, sources.digest()])


def _app(config, sources):
    """An app's migrations or, without any, its tables; and what is derived from its models."""
    from django.db.migrations.loader import MigrationLoader

    module, _ = MigrationLoader.migrations_module(config.label)
    package = _imported(module)
    migrated = package is not None and getattr(package, "__file__", None) is not None
    lines = [f"{config.label} {config.name} {module} {migrated}"]
    if migrated:
        _migrations(config, package, sources)
    for model in config.get_models(include_auto_created=True, include_swapped=True):
        meta = model._meta
        lines.append(
            f"{meta.label} {meta.db_table} {meta.managed} {meta.proxy} {meta.swapped} "
            f"{meta.default_permissions!r} {meta.permissions!r} {meta.verbose_name_raw!r}"
        )
        if not migrated:
            for kind in (*model.__mro__, *(type(field) for field in meta.local_fields)):
                sources.add_module(kind.__module__)
    return "\n".join(lines)


def _imported(name):
    if name is None:
        return None
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _migrations(config, package, sources):
    """All files of a package of migrations, and the modules that they import."""
    from django.conf import settings

    for place in package.__path__:
        texts = sources.add_tree(place)
        for name in {name for text in texts for name in _imports(text, package.__name__)}:
            sources.add_importable(name)
        if any(b"loaddata" in text for text in texts):
            for directory in (os.path.join(config.path, "fixtures"), *settings.FIXTURE_DIRS):
                sources.add_tree(directory)


def _imports(text, package):
    """Names that a source may import, as modules or from them; Django's go by its version."""
    for dots, module, names in IMPORT.findall(text):
        base = ""
        if dots:
            parts = package.split(".")
            base = ".".join(parts[: len(parts) - len(dots) + 1])
        base = ".".join(part for part in (base, module.decode()) if part)
        if base != "django" and not base.startswith("django."):
            yield base
            yield from (f"{base}.{name.decode()}" for name in NAME.findall(names))


def _receivers(sources):
    """Modules whose functions are called before or after migrations."""
    from django.db.models import signals

    for signal in (signals.pre_migrate, signals.post_migrate):
        for entry in signal.receivers:
            receiver = entry[1]
            receiver = receiver() if isinstance(receiver, weakref.ref) else receiver
            name = getattr(inspect.unwrap(receiver), "__module__", None) if receiver else None
            if name:
                sources.add_module(name)
