"""Notifications of a user: replies to their posts, and new conversations."""
