"""List the modules of the standard library by Python version."""

from __future__ import annotations

import sys
from collections.abc import Mapping

# "What's New in Python 3.12", "… 3.13" and "… 3.14"; by minor version.
_REMOVED: Mapping[int, frozenset[str]] = {
    12: frozenset({"asynchat", "asyncore", "distutils", "imp", "smtpd"}),
    13: frozenset(
        {
            *("aifc", "audioop", "cgi", "cgitb", "chunk", "crypt", "imghdr", "lib2to3", "mailcap"),
            *("msilib", "nis", "nntplib", "ossaudiodev", "pipes", "sndhdr", "spwd", "sunau"),
            *("telnetlib", "uu", "xdrlib"),
        }
    ),
}
_ADDED: Mapping[int, frozenset[str]] = {14: frozenset({"annotationlib", "compression"})}


def names(python: tuple[int, int] | None) -> frozenset[str]:
    """Return the top-level modules of *python*, such as (3, 13), or of the running version."""
    if python is None:
        return sys.stdlib_module_names
    removed = {
        name for minor, modules in _REMOVED.items() if minor <= python[1] for name in modules
    }
    added = {name for minor, modules in _ADDED.items() if minor > python[1] for name in modules}
    changed = frozenset().union(*_REMOVED.values(), *_ADDED.values())
    return frozenset((sys.stdlib_module_names | changed) - removed - added)
