"""Access control of the emulator.

`control.AccessControl` checks every request before MiniStack handles it:

    request.py               a request before its body is read
    body.py                  the body of a request
    destinations.py          the resource of a request, by Host and path; other hosts are refused
    origins.py               requests of web pages outside of the local site are refused
    signatures.py            AWS Signature Version 4, verified with the secret of the access key
    payloads.py              the body, verified against its signed hash or its chunk signatures
    operation_names.py       requests that name several operations are refused
    anonymous.py             the operations that AWS serves without credentials
    secret.py                the secret key of the emulator's folder
    admin_requests.py        signed requests to the admin API
    function_credentials.py  credentials of Lambda functions that other programs cannot compute
    web_identity.py          tokens of web identities
    errors.py                the two errors of a refused request
"""
