"""Invoke tasks: one module per namespace, which parses, calls `operations/` and prints."""
