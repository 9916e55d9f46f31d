"""Deploy the stacks that stacks/ defines: synthesize, lint, plan, execute and report.

This package imports no stack of the project: stacks are passed as arguments.
"""
