"""Day-two work on a running system: one module per Invoke namespace."""
