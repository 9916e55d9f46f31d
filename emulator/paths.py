"""The files in the emulator's folder: port, locks, log, secret and state."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from deployer import symlinks
from emulator.access import secret


@dataclass(frozen=True)
class EmulatorPaths:
    """The paths of all files of the emulator in *folder*."""

    folder: Path

    def __post_init__(self) -> None:
        """Make the path absolute, because the server has another working directory."""
        object.__setattr__(self, "folder", Path(self.folder).absolute())

    @property
    def port(self) -> Path:
        """The port, chosen at the first start and kept across restarts and resets."""
        return self.folder / "port"

    @property
    def server(self) -> Path:
        """The description of the running server as JSON: process id, port, start time, code digest."""
        return self.folder / "server.json"

    @property
    def secret(self) -> Path:
        """The secret key of the root user of every account. A reset does not delete it."""
        return self.folder / "secret"

    @property
    def start_lock(self) -> Path:
        """The lock that a starting client holds, so that concurrent starts start one server."""
        return self.folder / "start.lock"

    @property
    def server_lock(self) -> Path:
        """The lock that the server holds while it runs."""
        return self.folder / "server.lock"

    @property
    def log(self) -> Path:
        """The server's log since its last start."""
        return self.folder / "server.log"

    @property
    def state(self) -> Path:
        """The state of all services except the bodies of S3 objects."""
        return self.folder / "state.json"

    @property
    def objects(self) -> Path:
        """The bodies of S3 objects: ACCOUNT/BUCKET/KEY."""
        return self.folder / "objects"

    @property
    def tmp(self) -> Path:
        """The server's folder for temporary files, and its HOME."""
        return self.folder / "tmp"

    @property
    def keys(self) -> Path:
        """Signing keys that the emulator generates once, for Cognito and SNS."""
        return self.folder / "keys"

    @property
    def databases(self) -> Path:
        """The data folders of PostgreSQL, one for each RDS instance."""
        return self.folder / "databases"

    @property
    def postgres(self) -> Path:
        """The file that selects the PostgreSQL for new databases; without it, the bundled one."""
        return self.folder / "postgres"

    @property
    def images(self) -> Path:
        """The unpacked images of containers, by digest."""
        return self.folder / "images"

    @property
    def packages(self) -> Path:
        """The virtual environments of images, by the digests of their locks. A reset keeps them."""
        return self.folder / "packages"

    @property
    def ca(self) -> Path:
        """The certificate authority of the databases. A reset does not delete it: clients trust it."""
        return self.folder / "ca.pem"

    @property
    def certificate(self) -> Path:
        """The server certificate of the databases, with its key."""
        return self.folder / "certificate.pem"

    def refuse_links(self) -> None:
        """Raise GuardError if the folder, or a file directly in it, is a symbolic link.

        Otherwise the emulator would write to, or delete, the target of the link.
        """
        symlinks.refuse(self.folder, self.folder.parent)
        for path in sorted(self.folder.iterdir()) if self.folder.is_dir() else ():
            symlinks.refuse(path, self.folder.parent)

    def create(self) -> None:
        """Create the folders that the server writes to, and the secret, accessible to their owner only."""
        self.refuse_links()
        for folder in (self.folder, self.objects, self.tmp, self.keys):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)  # It may exist already, created with another umask.
        secret.create(self.secret)

    def delete_data(self) -> None:
        """Delete the data of all accounts except databases; keep port, secret, certificates, log."""
        self.refuse_links()
        self.state.unlink(missing_ok=True)
        for folder in (self.objects, self.tmp, self.keys, self.images):
            shutil.rmtree(folder, ignore_errors=True)
