"""Patches of ECS."""
