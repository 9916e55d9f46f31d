"""RDS's PostgreSQL: a real server per database instance, behind a front that does what RDS does.

    binaries.py     which PostgreSQL: the bundled one or the machine's
    launcher.py     becomes it: not root, ended with the embedded AWS
    server.py       one server: data folder, process, socket
    roles.py        what a new database of RDS has
    wire.py         the beginnings of PostgreSQL's protocol
    certificate.py  what TLS shows, and who issued it
    front.py        stands before a server on its port: TLS, tokens
    databases.py    all of them, on a thread of their own
    records.py      RDS's records as databases, and what RDS knows of them
    refusals.py     what RDS does not make

The emulator's side of it is gaps/database.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.errors import EmbeddedError

if TYPE_CHECKING:
    from deployer.embedded.folder import Folder
    from deployer.embedded.postgres.binaries import Kind
    from deployer.embedded.postgres.databases import Databases

_serving: list[tuple[Folder, Databases]] = []  # None, or the one of this process.


def begin(folder: Folder) -> None:
    """Have databases in *folder* from now on."""
    from deployer.embedded.postgres.databases import Databases

    files = {"ca": folder.ca, "certificate": folder.certificate}
    _serving[:] = [(folder, Databases(folder.databases, **files))]


def served() -> Databases:
    """Return the databases of the embedded AWS this process is."""
    if not _serving:
        raise EmbeddedError("this process serves no embedded AWS")
    return _serving[0][1]


def chosen() -> Kind:
    """Return the PostgreSQL that new databases get: the bundled one unless another was chosen."""
    file = _serving[0][0].postgres
    return "system" if file.exists() and file.read_text().strip() == "system" else "bundled"


def resume() -> None:
    """Open the databases RDS has records of, as they were when the embedded AWS ended."""
    from deployer.embedded.postgres import records

    served().resume(records.kept())


def end() -> None:
    """End all servers; their data stays."""
    served().close()
