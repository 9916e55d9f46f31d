"""Python programs that tests write."""

from __future__ import annotations

import sys

# The shell runs the second line; for Python it is a string. Unlike `#!` with the path of Python, it
# also works if the path contains a space.
SHEBANG = f"""#!/bin/sh
'''exec' "{sys.executable}" -I "$0" "$@"
' '''"""
