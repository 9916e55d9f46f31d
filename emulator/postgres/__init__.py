"""RDS's PostgreSQL: a real server per database instance, behind a front that does what RDS does.

    binaries.py     which PostgreSQL: the bundled one or the machine's
    launcher.py     becomes it: not root, ended with the emulator
    server.py       one server: data folder, process, socket
    roles.py        what a new database of RDS has
    wire.py         the beginnings of PostgreSQL's protocol
    certificate.py  what TLS shows, and who issued it
    front.py        stands before a server on its port: TLS, tokens
    databases.py    all of them, on a thread of their own
    records.py      RDS's records as databases, and what RDS knows of them
    refusals.py     what RDS does not make

The emulator's side of it is patches/database.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.errors import EmulatorError

if TYPE_CHECKING:
    from emulator.paths import Folder
    from emulator.postgres.binaries import Kind
    from emulator.postgres.databases import Databases

_serving: list[tuple[Folder, Databases]] = []  # None, or the one of this process.


def begin(folder: Folder) -> None:
    """Have databases in *folder* from now on."""
    from emulator.postgres.databases import Databases

    files = {"ca": folder.ca, "certificate": folder.certificate}
    _serving[:] = [(folder, Databases(folder.databases, **files))]


def served() -> Databases:
    """Return the databases of the emulator this process is."""
    if not _serving:
        raise EmulatorError("this process serves no emulator")
    return _serving[0][1]


def chosen() -> Kind:
    """Return the PostgreSQL that new databases get: the bundled one unless another was chosen."""
    file = _serving[0][0].postgres
    return "system" if file.exists() and file.read_text().strip() == "system" else "bundled"


def resume() -> None:
    """Open the databases RDS has records of, as they were when the emulator ended."""
    from emulator.postgres import instances

    served().resume(instances.kept())


def end() -> None:
    """End all servers; their data stays."""
    served().close()
