"""Notifications that AWS sends to the application."""
