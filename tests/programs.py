"""Python programs that tests write."""

from __future__ import annotations

import sys

# The second line is a command for the shell and a string for Python. Unlike `#!` with the path of
# Python, this also works if the path contains a space.
SHEBANG = f"""#!/bin/sh
'''exec' "{sys.executable}" -I "$0" "$@"
' '''"""
