"""Prevent libraries from logging secrets and personal data, at any log level of a function.

At DEBUG, botocore logs requests with their signatures and session tokens, psycopg and urllib3 log
the hosts that they connect to, and Pillow logs the contents of pictures.
"""

from __future__ import annotations

import logging

LIBRARIES = ("PIL", "boto3", "botocore", "psycopg", "s3transfer", "urllib3")


def limit_to_info() -> None:
    """Set the loggers of LIBRARIES to INFO. Call this in modules that import one of them."""
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.INFO)
