"""The tasks: one module per Invoke namespace, which parses, calls `operations/` and prints."""

import sys

# Invoke disables the writing of bytecode files. Without these files Python would compile every
# module again on each run.
sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)
