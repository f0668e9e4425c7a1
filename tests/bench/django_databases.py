"""Databases for Django's own test suite, on the server that the address `SUITE_DATABASE` names:
to be named as `DJANGO_SUITE` (django_suite.py), or by `runtests.py --settings`."""

import os
import urllib.parse

_address = urllib.parse.urlsplit(os.environ["SUITE_DATABASE"])
_query = dict(urllib.parse.parse_qsl(_address.query))
_mysql = _address.scheme == "mysql"

if _mysql:
    import pymysql

    pymysql.version_info = (2, 2, 7, "final", 0)
    pymysql.install_as_MySQLdb()


def _database(name):
    found = {
        "ENGINE": f"django.db.backends.{'mysql' if _mysql else 'postgresql'}",
        "NAME": name,
        "USER": urllib.parse.unquote(_address.username or ""),
        "PASSWORD": urllib.parse.unquote(_address.password or ""),
        "HOST": _query.get("socket") or _query.get("host") or _address.hostname or "",
        "PORT": str(_address.port or ""),
    }
    if _mysql:
        found["TEST"] = {"CHARSET": "utf8mb4"}
    return found


DATABASES = {"default": _database("django"), "other": _database("django_other")}
SECRET_KEY = "django_tests_secret_key"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = False
