"""Patches of CloudFormation."""
