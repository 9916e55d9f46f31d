"""Patches of Lambda."""

from __future__ import annotations

from emulator.patches.differences import Difference

DIFFERENCES = (
    Difference(
        "The execution role of a function must permit Lambda to write its log, to read a stream, "
        "to send to its dead-letter queue and to connect to a VPC; S3 responds with 403 for a missing "
        "object if the role may not list the bucket.",
        source="Lambda developer guide, Execution role; GetObject, Permissions",
        ministack="Lambda does all that without permission; S3 responds with 404.",
        consequence="These permissions are not tested here: test_least_privilege.py lists them.",
    ),
    Difference(
        "A function has only its configured memory, and in a VPC only the network that its "
        "security groups permit.",
        source="Lambda developer guide, Configure Lambda function memory; VPC networking",
        ministack="Memory is not limited; the network of the machine is shared.",
        consequence="A function that needs more memory or the internet works here.",
    ),
)
