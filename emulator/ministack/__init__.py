"""The adapter to MiniStack: the names of MiniStack that the emulator uses, and hooks to change it.

names.py           resolves names at import; all that are missing are one error at start
hooks.py           code before, after and around a function of MiniStack
context.py         account and region of a request, stores, forms of calls and responses
asgi.py            the ASGI application: headers, bodies, responses
cloudformation.py  stacks, change sets, actions and resource types
services.py        the modules of the other services
policies.py, credentials.py, database.py, persistence.py
"""
