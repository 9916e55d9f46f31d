"""Run third-party code (Lambda functions, dependencies) isolated from the user's files.

    sandbox.py      the file system of a command, and the isolation that this machine supports
    launcher.py     sets up the isolation and runs the command; uses the standard library only
    namespaces.py   the system calls

Nothing is imported here, because the launcher starts with every Lambda function.
"""
