"""Runs a command, and says on the last line how many MB of memory its processes had at most.

Alone in a small process: the figure of a child begins with that of the parent that it comes from.
"""

import resource
import subprocess
import sys

subprocess.run(sys.argv[1:], check=True)
unit = 1024 * 1024 if sys.platform == "darwin" else 1024
sys.stdout.write(f"{resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / unit}\n")
