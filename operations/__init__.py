"""Day-two work on a running system: one module per Invoke namespace."""

import sys

# Invoke keeps Python from writing bytecode, so it would compile botocore and us on every run.
sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)
