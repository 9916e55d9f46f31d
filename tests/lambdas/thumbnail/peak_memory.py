"""Run a command, and print the peak memory of its largest process in MB as the last line.

The peak of a child process includes that of its parent before the fork, so this process is small.
"""

import resource
import subprocess
import sys

subprocess.run(sys.argv[1:], check=True)
unit = 1024 * 1024 if sys.platform == "darwin" else 1024
sys.stdout.write(f"{resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / unit}\n")
