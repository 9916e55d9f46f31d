"""Shared parts of the tasks: error handling, strict flags, output streams, tables."""
