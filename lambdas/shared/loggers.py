"""Keeps libraries from printing what nobody may read, whatever level the log of a function has.

At DEBUG, botocore prints requests with their signatures and session tokens, psycopg and urllib3
where they connect to, and Pillow what is in a picture.
"""

from __future__ import annotations

import logging

LIBRARIES = ("PIL", "boto3", "botocore", "psycopg", "s3transfer", "urllib3")


def limit_to_info() -> None:
    """Pin the loggers of LIBRARIES at INFO. To be called where one of them is imported."""
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.INFO)
