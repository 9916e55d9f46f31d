"""Run the emulator of one folder until it is stopped: `python -m emulator FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from deployer.errors import DeployError
from emulator.paths import EmulatorPaths
from emulator.server import serve

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m emulator FOLDER")
    try:
        serve(EmulatorPaths(Path(sys.argv[1])))
    except DeployError as error:
        sys.exit(str(error))
