"""Access control of the embedded AWS.

`control.AccessControl` checks every request first:

    destinations.py  find the resource of a request by Host and path; refuse unknown hosts
    browsers.py      refuse requests of foreign web pages
    signatures.py    verify AWS Signature Version 4 with the secret of the access key
    payloads.py      verify the body against its signed hash or chunk signatures
    anonymous.py     the operations that AWS serves without credentials
    secret.py        the secret key of the folder
    roles.py         replace the credentials that MiniStack derives without a secret
    tokens.py        tokens of web identities
    orders.py        signed requests to the embedded AWS's own endpoints
"""
