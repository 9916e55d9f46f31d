"""How the account gets to what stacks/ describe: synthesise, lint, plan, execute, report.

Knows no stack of ours: everything it needs of them arrives as arguments.
"""
