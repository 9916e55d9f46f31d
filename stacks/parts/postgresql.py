"""The port of PostgreSQL, the versions that RDS offers, and its instance classes by region.

Versions that RDS no longer creates are left out. A test compares the tables with cfn-lint, which
takes them from AWS.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

PORT = 5432

# fmt: off
Version: TypeAlias = Literal[
    "14.18", "14.19", "14.20", "14.21", "14.22", "14.23", "14.24",
    "15.13", "15.14", "15.15", "15.16", "15.17", "15.18", "15.19",
    "16.9", "16.10", "16.11", "16.12", "16.13", "16.14", "16.15",
    "17.5", "17.6", "17.7", "17.8", "17.9", "17.10", "17.11",
    "18.1", "18.2", "18.3", "18.4", "18.6",
]
# fmt: on

# The sizes of each family of instance classes.
_SIZES = {
    family: sizes.split()
    for families, sizes in {
        "m5 m5d r5 r5b r5d": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge",
        "m6g m6gd m7g r6g r6gd r7g x2g": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
        "m6i m6id m6idn m6in r6i r6id r6idn r6in": (
            "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge"
        ),
        "m7i m8a m8g m8gd m9g r7i r8a r8g r8gd": (
            "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge"
        ),
        "t3 t4g": "micro small medium large xlarge 2xlarge",
        "x2iedn": "xlarge 2xlarge 4xlarge 8xlarge 16xlarge 24xlarge 32xlarge",
    }.items()
    for family in families.split()
}

# The families that each region has.
_FAMILIES = {
    "af-south-1": "m5 m5d m6g m6i m8g r5 r5d r6g r6i r8gd t3 t4g",
    "ap-east-1": "m5 m5d m6g m6gd m6i m8g r5 r5d r6g r6i r7g r8g r8gd t3 t4g",
    "ap-east-2": "m6g m6gd m6i m6id m7g m7i r6g r6gd r6i r6id r7g r7i r8a t3 t4g",
    "ap-northeast-1": (
        "m5 m5d m6g m6gd m6i m6id m6idn m6in m7g m7i m8a m8g m8gd r5 r5b r5d r6g r6gd r6i "
        "r6id r6idn r6in r7g r7i r8a r8g r8gd t3 t4g"
    ),
    "ap-northeast-2": "m5 m5d m6g m6gd m6i m7g m7i m8g r5 r5d r6g r6i r7g r7i r8g r8gd t3 t4g",
    "ap-northeast-3": "m5 m5d m6g m6gd m6i m7g r5 r5d r6g r6gd r6i r7g r8g t3 t4g",
    "ap-south-1": ("m5 m5d m6g m6gd m6i m7g m7i m8a m8g r5 r5d r6g r6gd r6i r7g r7i r8g t3 t4g"),
    "ap-south-2": "m5 m6g m6gd m6i m7g m8a m8g r5 r6g r7g r8g t3 t4g",
    "ap-southeast-1": (
        "m5 m5d m6g m6gd m6i m7g m7i m8g r5 r5b r5d r6g r6gd r6i r7g r7i r8g t3 t4g"
    ),
    "ap-southeast-2": (
        "m5 m5d m6g m6gd m6i m6id m7g m7i m8g m8gd r5 r5d r6g r6gd r6i r6id r7g r7i r8g "
        "r8gd t3 t4g x2iedn"
    ),
    "ap-southeast-3": "m5 m5d m6g m6gd m6i m7g m7i r5 r5d r6g r6gd r7g r7i r8g r8gd t3 t4g",
    "ap-southeast-4": "m5 m6g m6gd m7g m7i r5 r6g r8g t3 t4g",
    "ap-southeast-5": (
        "m6g m6gd m6i m6id m7g m7i m8g m8gd r6g r6gd r6i r6id r7g r7i r8g r8gd t3 t4g"
    ),
    "ap-southeast-6": "m6g m6gd m6i m6id m7g m7i r6g r6i r6id r7g r7i t3 t4g",
    "ap-southeast-7": "m6g m6gd m6i m6id m7g r6g r6gd r6i r6id r7g t3 t4g",
    "ca-central-1": (
        "m5 m5d m6g m6gd m6i m7g m7i m8gd r5 r5d r6g r6gd r6i r7g r7i r8a r8g r8gd t3 t4g x2iedn"
    ),
    "ca-west-1": "m6g m6gd m6i m6id m8g r6g r6i r6id r7g r8gd t3",
    "eu-central-1": (
        "m5 m5d m6g m6gd m6i m6id m7g m7i m8a m8g m8gd m9g r5 r5b r5d r6g r6gd r6i r6id "
        "r7g r7i r8a r8g r8gd t3 t4g x2iedn"
    ),
    "eu-central-2": "m5 m6g m6gd m7g m8g r5 r6g r6gd r7g r8g t3 t4g",
    "eu-north-1": ("m5 m5d m6g m6gd m6i m7g m7i m8g r5 r5d r6g r6i r7g r7i r8g t3 t4g x2iedn"),
    "eu-south-1": "m5 m5d m6g m6gd m6i m8g r5 r5d r6g r6i r7g r7i t3 t4g x2iedn",
    "eu-south-2": ("m5 m6g m6gd m7g m7i m8a m8g m8gd r5 r6g r6gd r7g r7i r8a r8g r8gd t3 t4g"),
    "eu-west-1": (
        "m5 m5d m6g m6gd m6i m6id m6idn m6in m7g m7i m8a m8g m8gd r5 r5d r6g r6gd r6i "
        "r6id r6idn r6in r7g r7i r8a r8g r8gd t3 t4g x2g x2iedn"
    ),
    "eu-west-2": ("m5 m5d m6g m6gd m6i m7g m7i m8g m8gd r5 r5d r6g r6i r7g r7i r8g r8gd t3 t4g"),
    "eu-west-3": "m5 m5d m6g m6gd m6i m7g m7i m8g r5 r5d r6g r6gd r6i r7i r8g t3 t4g",
    "il-central-1": "m5 m6g m6gd m6i m7g r5 r6g r6gd r6i r6id r7g t3 t4g",
    "me-central-1": "m5 m5d m6g m6gd m7g r5 r5d r6g t3 t4g",
    "me-south-1": "m5 m5d m6g m6gd m6i m7g r5 r5d r6g r6i r7g t3 t4g",
    "mx-central-1": "m6g m6gd m6i m6id m7g m7i r6g r6gd r6i r6id r7g r7i r8g t3 t4g",
    "sa-east-1": "m5 m5d m6g m6i m7g m7i m8g m8gd r5 r5d r6g r6i r7g r7i r8g r8gd t3 t4g",
    "us-east-1": (
        "m5 m5d m6g m6gd m6i m6id m6idn m6in m7g m7i m8a m8g m8gd m9g r5 r5b r5d r6g r6gd "
        "r6i r6id r6idn r6in r7g r7i r8a r8g r8gd t3 t4g x2g x2iedn"
    ),
    "us-east-2": (
        "m5 m5d m6g m6gd m6i m6id m6idn m6in m7g m7i m8a m8g m8gd m9g r5 r5b r5d r6g r6gd "
        "r6i r6id r6idn r6in r7g r7i r8a r8g r8gd t3 t4g x2g"
    ),
    "us-west-1": ("m5 m5d m6g m6gd m6i m7g m7i m8g r5 r5d r6g r6gd r6i r7g r7i r8g r8gd t3 t4g"),
    "us-west-2": (
        "m5 m5d m6g m6gd m6i m6id m6idn m6in m7g m7i m8a m8g m8gd m9g r5 r5b r5d r6g r6gd "
        "r6i r6id r6idn r6in r7g r7i r8a r8g r8gd t3 t4g x2g x2iedn"
    ),
}

CLASSES_BY_REGION = {
    region: tuple(f"db.{family}.{size}" for family in families.split() for size in _SIZES[family])
    for region, families in _FAMILIES.items()
}
CLASSES = tuple(f"db.{family}.{size}" for family, sizes in _SIZES.items() for size in sizes)
