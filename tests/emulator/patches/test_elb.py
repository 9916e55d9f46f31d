"""Load balancers: routing of requests, and invalid templates."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.emulator.load_balancers import ELB, VPC, fixed_response, load_balancer, subnets
from tests.emulator.templates import ref, resource, template

if TYPE_CHECKING:
    import emulator
    from tests.emulator_server import Aws


def get(endpoint: emulator.Endpoint, host: str, path: str) -> tuple[int, str | None]:
    """Send a request to *host*, as if DNS resolved it to the emulator; return its status and Location."""
    connection = http.client.HTTPConnection(urlsplit(endpoint.url).netloc, timeout=60)
    connection.request("GET", path, headers={"Host": host})
    response = connection.getresponse()
    connection.close()
    return response.status, response.headers["Location"]


def test_routing(aws: Aws, domain: str) -> None:
    """A request to an alias or DNS name is handled by the same listener, rule and action as on AWS.

    AWS: "Redirect actions" and "Host conditions" (load balancer user guide): path and query are
    kept, and the Location always has the port.
    """
    stack = aws.deploy("s", load_balancer(f"Z{aws.endpoint.account}", domain))
    dns, api = aws.outputs("s")["Dns"], f"api.{domain}"

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert get(aws.endpoint, api, "/a/b?c=d&e=f") == (301, f"https://{api}:443/a/b?c=d&e=f")
    assert get(aws.endpoint, f"{api}:443", "/a?c=d") == (200, None)
    assert get(aws.endpoint, f"{dns}:443", "/a?c=d") == (301, f"https://{domain}:443/")
    port = urlsplit(aws.endpoint.url).port
    assert get(aws.endpoint, f"{dns}:{port}", "/x") == (301, f"https://{dns}:443/x")


def test_paths_of_ministack(aws: Aws, domain: str) -> None:
    """The load balancer also handles requests with a path that MiniStack uses itself."""
    aws.deploy("s", load_balancer(f"Z{aws.endpoint.account}", domain))

    for path in ("/health", "/_ministack/health", "/v20180820/tags/x", "/_emulator", "/login"):
        location = f"https://api.{domain}:443{path}"
        assert (301, location) == get(aws.endpoint, f"api.{domain}", path)


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        (
            subnets("aa")
            | {"B": resource(f"{ELB}::LoadBalancer", Subnets=[ref("Subnet0"), ref("Subnet1")])},
            "At least two subnets in two different Availability Zones",
        ),
        (
            subnets()
            | {
                "B": resource(f"{ELB}::LoadBalancer", Subnets=[ref("Subnet0"), ref("Subnet1")]),
                "L": resource(
                    f"{ELB}::Listener",
                    LoadBalancerArn=ref("B"),
                    Port=443,
                    Protocol="HTTPS",
                    DefaultActions=[fixed_response("200")],
                ),
            },
            "A certificate must be specified for HTTPS listeners",
        ),
    ],
)
def test_invalid_load_balancer(aws: Aws, resources: dict[str, Any], message: str) -> None:
    """A load balancer in one zone, or an HTTPS listener without certificate, fails its stack.

    AWS: API reference of CreateLoadBalancer and CreateListener.
    """
    stack = aws.deploy("s", template(Vpc=VPC, **resources))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any(message in reason for *_, reason in aws.events("s"))
