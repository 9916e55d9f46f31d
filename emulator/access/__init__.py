"""Access control of the emulator.

`control.AccessControl` checks every request before MiniStack handles it:

    request.py               a request before its body is read
    body.py                  the body of a request
    destinations.py          the resource of a request, by Host and path; other hosts are refused
    origins.py               the web pages that may send requests
    signatures.py            AWS Signature Version 4, verified with the secret of the access key
    payloads.py              the body against its signed hash or its chunk signatures
    operation_names.py       a request names one operation, the one that policies are evaluated for
    anonymous.py             the operations that AWS serves without credentials
    secret.py                the secret key of the emulator's folder
    function_credentials.py  credentials of Lambda functions that cannot be computed
    web_identity.py          tokens of web identities
    admin_requests.py        signed requests to the admin API
    errors.py                the two errors of a refused request
"""
