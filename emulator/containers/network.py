"""The private IP addresses of tasks."""

from __future__ import annotations

import ipaddress
import itertools
import uuid
from typing import Any

from emulator.ministack import services

_RESERVED = 4  # The first addresses of a subnet, which AWS reserves.
_DEFAULT_BLOCK = "10.255.0.0/16"  # For a task without a subnet.
_task_numbers = itertools.count()


def attach(record: dict[str, Any]) -> None:
    """Attach a network interface with an address of the subnet to the task with this *record*."""
    subnet = record.get("_subnet") or ""
    block = (services.subnets.get(subnet) or {}).get("CidrBlock") or _DEFAULT_BLOCK
    network = ipaddress.ip_network(block)
    usable = network.num_addresses - _RESERVED - 1
    address = network[_RESERVED + next(_task_numbers) % usable]
    record["attachments"] = [
        {
            "id": str(uuid.uuid4()),
            "type": "ElasticNetworkInterface",
            "status": "ATTACHED",
            "details": [
                {"name": "subnetId", "value": subnet},
                {"name": "networkInterfaceId", "value": f"eni-{uuid.uuid4().hex[:17]}"},
                {"name": "privateIPv4Address", "value": str(address)},
            ],
        }
    ]


def address(record: dict[str, Any]) -> str:
    """Return the private IP address of a task."""
    details = record["attachments"][0]["details"]
    return str(next(entry["value"] for entry in details if entry["name"] == "privateIPv4Address"))
