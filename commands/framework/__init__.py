"""The parts of Invoke that every task uses: errors, flags, output."""
