"""All limits of the API: lengths, sizes, times and counts."""

from __future__ import annotations

from datetime import timedelta

# Lengths of texts, in characters: Unicode code points, as in PostgreSQL and Python.
POST_CHARACTERS = 280
REPLY_CHARACTERS = 1024
DIRECT_MESSAGE_CHARACTERS = 1024
DISPLAY_NAME_CHARACTERS = 100
BIO_CHARACTERS = 1024
HANDLE_CHARACTERS = 30
SEARCH_TERM_CHARACTERS = 100

# The lifetimes of a post that a user can choose.
LIFETIMES = {
    "30-days": timedelta(days=30),
    "7-days": timedelta(days=7),
    "3-days": timedelta(days=3),
    "1-day": timedelta(days=1),
    "12-hours": timedelta(hours=12),
    "3-hours": timedelta(hours=3),
    "1-hour": timedelta(hours=1),
}

# Lists.
DEFAULT_PAGE_ITEMS = 20
MAX_PAGE_ITEMS = 100
CURSOR_CHARACTERS = 512

# The body of a request. JSON may need 12 bytes for a character, so a message of 1024 characters may
# have 12 KiB.
BODY_BYTES = 64 * 1024
REQUEST_SECONDS = 15.0  # From the first byte of a request to its last one.

# Write requests by one user.
WRITES_PER_MINUTE = 60

# The database. A request waits at most POOL_TIMEOUT_SECONDS for a connection.
POOL_CONNECTIONS = 8
POOL_WAITING_REQUESTS = 64
POOL_TIMEOUT_SECONDS = 2.0
CONNECTION_LIFETIME_SECONDS = 30 * 60.0
CONNECT_TIMEOUT_SECONDS = 2
STATEMENT_TIMEOUT_MS = 3000
LOCK_TIMEOUT_MS = 2000
IDLE_TRANSACTION_TIMEOUT_MS = 5000

# The value of Retry-After in a response with the status 503.
RETRY_AFTER_SECONDS = 2

# Traces: the share of requests that is traced, and the timeout of one export.
TRACE_RATIO = 0.1
TRACE_EXPORT_TIMEOUT_SECONDS = 3.0
