"""Programs that only maintainers run, such as the one that writes docs/layers.md."""
