"""The adapter to MiniStack: the parts of MiniStack that the emulator uses, and hooks to change them.

lookup.py          looks up modules and attributes at import; an error at start lists missing ones
hooks.py           run code before, after or around a function of MiniStack
context.py         account and region of a request, stores, types of calls and responses
asgi.py            the ASGI application: headers, bodies, responses
cloudformation.py  stacks, change sets, actions and resource types
services.py        the modules of the other services, and stores and functions of several patches
ecs.py             records of tasks and services
images.py          ECR: images and their layers
load_balancers.py  target groups, and the functions that forward requests
user_pools.py      Cognito: user pools, app clients and users
policies.py        evaluation of IAM and resource policies
credentials.py     access keys, sessions and anonymous access
database.py        RDS and its secrets
persistence.py     the saved state
"""
