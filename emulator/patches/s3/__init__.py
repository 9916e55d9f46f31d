"""Patches of S3."""

from __future__ import annotations

from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "S3 accepts an object of 5 GB in one call.",
        source="S3 user guide, Uploading objects",
        ministack="256 MB, since a body is held in memory.",
        consequence="Use a multipart upload for larger objects.",
    ),
    Difference(
        "A request with a presigned URL must have no x-amz-* header that was not signed.",
        source="S3 API reference, Authenticating requests: using query parameters",
        ministack="Accepted.",
        test="s3/test_buckets.py::test_unsigned_header",
        patch="access/signatures.py",
    ),
)
