"""Django's settings of a database as a URL, and back."""

import os
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

SCHEMES = {"postgresql": "postgres", "mysql": "mysql", "sqlite": "sqlite"}
SSL = ("sslmode", "sslrootcert", "sslcert", "sslkey")
ELSEWHERE = ("service", "passfile", "read_default_file", "read_default_group")
# What evenly's servers are reached by, and what would lead elsewhere.
PLACES = ("NAME", "HOST", "PORT", "USER", "PASSWORD", "OPTIONS")


class NoUrl(Exception):
    """Why evenly cannot make clones of a database."""


def url_of(connection, in_memory):
    """The URL of the server and the database that an alias is configured for."""
    scheme = SCHEMES.get(connection.vendor)
    if scheme is None:
        raise NoUrl(f"evenly makes no clones of `{connection.vendor}`")
    settings = connection.settings_dict
    if scheme == "sqlite":
        name = str(settings["NAME"] or ":memory:")
        named = in_memory or name == ":memory:" or name.startswith("file:")
        return "sqlite::memory:" if named else f"sqlite:{quote(os.path.abspath(name))}"
    options = settings.get("OPTIONS") or {}
    found = [key for key in ELSEWHERE if options.get(key)]
    if found:
        raise NoUrl(f"its OPTIONS have `{found[0]}`, which evenly does not read")
    test = settings["TEST"]
    made = [key for key in ("TEMPLATE", "CHARSET") if test.get(key)]
    if scheme == "postgres" and made:
        raise NoUrl(f"its TEST has `{made[0]}`, which evenly does not use when it makes a database")
    host, query = str(settings["HOST"] or ""), {}
    if scheme == "postgres":
        query = {key: str(options[key]) for key in SSL if key in options}
    socket = options.get("unix_socket") if scheme == "mysql" else None
    if host.startswith("/") or socket:
        query["host" if scheme == "postgres" else "socket"] = str(socket or host)
        host = "localhost"
    user, password = quote(str(settings["USER"] or ""), ""), settings["PASSWORD"]
    if password:
        user += ":" + quote(str(password), "")
    if not host and scheme == "postgres":
        # Where libpq goes without a host: a URL with a user needs one, so they go behind.
        pairs = {"user": settings["USER"], "password": password, "port": settings["PORT"]}
        query.update({key: str(value) for key, value in pairs.items() if value})
        user, port = "", ""
    else:
        host = host or "localhost"
        port = f":{settings['PORT']}" if settings["PORT"] else ""
    place = f"{user}@{bracketed(host)}" if user else bracketed(host)
    ending = f"?{urlencode(query)}" if query else ""
    return f"{scheme}://{place}{port}/{quote(str(settings['NAME']), '')}{ending}"


def bracketed(host):
    """A host as it stands in a URL."""
    return f"[{host}]" if ":" in host else quote(host, "")


def settings_of(url, options):
    """A URL as settings: what Django needs to connect there, with the project's own OPTIONS."""
    if url.startswith("sqlite:"):
        path = url[len("sqlite:") :].partition("?")[0]
        if path.startswith("/"):
            path = "/" + path.lstrip("/")  # SQLite's own URIs take a second one for a host's
        return {"NAME": unquote(path)}
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    socket = query.get("socket") or query.get("host")
    kept = {key: value for key, value in (options or {}).items() if key != "unix_socket"}
    return {
        "NAME": unquote(parts.path[1:]),
        "HOST": socket or unquote(parts.hostname or ""),
        "PORT": str(parts.port or query.get("port", "")),
        "USER": unquote(parts.username or query.get("user", "")),
        "PASSWORD": unquote(parts.password or query.get("password", "")),
        "OPTIONS": kept,
    }
