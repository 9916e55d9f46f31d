"""What all tasks share: error handling, strict flags, output streams, tables."""
