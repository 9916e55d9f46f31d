"""The one folder that holds everything the emulator has: port, locks, log and state."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from deployer import symlinks
from emulator.access import secret


@dataclass(frozen=True)
class Folder:
    """Names what stands where below *path*; makes nothing by itself."""

    path: Path

    def __post_init__(self) -> None:
        """Take the absolute path: the server runs with another working folder."""
        object.__setattr__(self, "path", Path(self.path).absolute())

    @property
    def port(self) -> Path:
        """The port chosen the first time, kept over restarts and resets."""
        return self.path / "port"

    @property
    def server(self) -> Path:
        """Who serves: process id, port and since when, as JSON."""
        return self.path / "server.json"

    @property
    def secret(self) -> Path:
        """The secret key of the root user of every account. A reset does not delete it."""
        return self.path / "secret"

    @property
    def start_lock(self) -> Path:
        """Held while somebody starts the server: two starts at once give one server."""
        return self.path / "start.lock"

    @property
    def server_lock(self) -> Path:
        """Held by the server as long as it lives; the kernel lets go of it however it dies."""
        return self.path / "server.lock"

    @property
    def log(self) -> Path:
        """What the server had to say since its last start."""
        return self.path / "server.log"

    @property
    def state(self) -> Path:
        """Everything but the bodies of S3 objects, in one file that is replaced as a whole."""
        return self.path / "state.json"

    @property
    def objects(self) -> Path:
        """The bodies of S3 objects: ACCOUNT/BUCKET/KEY."""
        return self.path / "objects"

    @property
    def tmp(self) -> Path:
        """What the emulator takes for the system's temporary folder and for HOME."""
        return self.path / "tmp"

    @property
    def keys(self) -> Path:
        """Signing keys the emulator makes once (Cognito)."""
        return self.path / "keys"

    @property
    def databases(self) -> Path:
        """PostgreSQL's data, a folder per database instance of RDS."""
        return self.path / "databases"

    @property
    def postgres(self) -> Path:
        """Which PostgreSQL new databases get, if not the bundled one."""
        return self.path / "postgres"

    @property
    def ca(self) -> Path:
        """Who issued the certificate databases show; kept over resets, so trust in it stays good."""
        return self.path / "ca.pem"

    @property
    def certificate(self) -> Path:
        """The certificate databases show, and its key."""
        return self.path / "certificate.pem"

    def refuse_links(self) -> None:
        """Raise GuardError if the folder, or anything right in it, is a link.

        All of it is written or deleted some time; files are written under another name first.
        """
        symlinks.refuse(self.path, self.path.parent)
        for path in sorted(self.path.iterdir()) if self.path.is_dir() else ():
            symlinks.refuse(path, self.path.parent)

    def make(self) -> None:
        """Make the folders the server writes to, and the secret, open to their owner only."""
        self.refuse_links()
        for folder in (self.path, self.objects, self.tmp, self.keys):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.chmod(0o700)  # It may exist already, created with another umask.
        secret.create(self.secret)

    def forget(self) -> None:
        """Remove what the account held; port, certificates and log stay."""
        from emulator.postgres import databases

        self.refuse_links()
        databases.forget(self.databases)
        self.state.unlink(missing_ok=True)
        for folder in (self.objects, self.tmp, self.keys):
            shutil.rmtree(folder, ignore_errors=True)
