"""Serves the embedded AWS of one folder until it is told to stop: `python -m deployer.embedded FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from deployer.embedded.folder import Folder
from deployer.embedded.server import serve
from deployer.errors import DeployError

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m deployer.embedded FOLDER")
    try:
        serve(Folder(Path(sys.argv[1])))
    except DeployError as error:
        sys.exit(str(error))
