"""Access control of the emulator.

`control.AccessControl` checks every request first:

    destinations.py  which resource a request is for, by Host and path; others are refused
    browsers.py      which web pages may send requests
    signatures.py    AWS Signature Version 4, verified with the secret of the access key
    payloads.py      the body against the hash or the chunk signatures that were signed
    operations.py    the one operation that a request asks for, and policies are asked about
    anonymous.py     the operations that AWS serves without credentials
    secret.py        the secret key of the folder
    roles.py         replace the credentials that MiniStack derives without a secret
    tokens.py        tokens of web identities
    orders.py        signed requests to the emulator's own endpoints
"""
