"""Direct messages between two users."""
