"""A cold start of upload_url with its first URL, against a boto3 client that presigns the same."""

from __future__ import annotations

import sys

from tests.bench.timing import ROOT, Row, command, paired

EVENT = ROOT / "lambdas" / "upload_url" / "events" / "key_upload.json"

OURS = """
import json, sys
from upload_url.handler import handler

with open(sys.argv[1]) as file:
    response = handler(json.load(file), None)
assert response["statusCode"] == 200, response
"""

PEER = """
import os
import boto3
from botocore.config import Config

s3 = boto3.client("s3", config=Config(signature_version="s3v4"))
s3.generate_presigned_url(
    "put_object",
    Params={
        "Bucket": os.environ["UPLOADS_BUCKET_NAME"],
        "Key": "originals/6b2f8a54-1c7e-4a90-8d3b-2f5e7c9a1b40",
        "ContentType": "image/jpeg",
        "ContentLength": 123456,
    },
    ExpiresIn=300,
)
"""

ENVIRONMENT = {
    "PYTHONPATH": str(ROOT / "lambdas"),
    "AWS_REGION": "ca-central-1",
    "AWS_DEFAULT_REGION": "ca-central-1",
    "AWS_ACCESS_KEY_ID": "example",
    "AWS_SECRET_ACCESS_KEY": "example",
    "AWS_SESSION_TOKEN": "example",
    "UPLOADS_BUCKET_NAME": "uploads",
    "UPLOAD_LIMIT_BYTES": "5000000",
}


def rows(rounds: int) -> tuple[Row, ...]:
    """Return the row of whole processes. On Lambda the interpreter is already running."""
    ours = command(sys.executable, "-c", OURS, EVENT, env=ENVIRONMENT)
    peer = command(sys.executable, "-c", PEER, env=ENVIRONMENT)
    return (paired("cold, with the first URL", ours, peer, rounds=rounds, goal=0.50),)
