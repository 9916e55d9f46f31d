"""The pages that the emulator shows in a browser.

    GET /                          what the emulator serves: addresses, stacks, folders
    GET /_emulator/outbox?key=KEY  the messages that AWS would have sent, with their codes

    requests.py  which requests are for a page, and the key of the outbox
    contents.py  what the start page lists
    html.py      documents, whose texts are always escaped
    views.py     the two pages
    server.py    the responses

Both need no signature, because a browser cannot sign. Access control refuses other hosts and
pages of other origins first. Codes are shown only to a client that has the key, which is derived
from the folder's secret: other users of this machine can read the start page only.
"""
