"""Runs other people's code (Lambda functions, dependencies) apart from the user's files.

    sandbox.py      what a command finds, and how far this machine can isolate it
    launcher.py     sets that up and becomes the command; starts with the standard library only
    namespaces.py   the system calls

Nothing is imported here: the launcher starts with every Lambda function.
"""
