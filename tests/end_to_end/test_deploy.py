"""Tests of `deploy` in an empty account and in one where all stacks are deployed."""

from __future__ import annotations

import http.client
import re
from itertools import pairwise
from urllib.parse import urlsplit

from tests.end_to_end import application
from tests.end_to_end.checkout import COMPLETE
from tests.end_to_end.recording_proxy import Call

FIRST_LINE = "local: account 000000000000, region ca-central-1, emulator"
READS = [
    Call("ca-central-1", "GetCallerIdentity"),
    Call("ca-central-1", "DescribeStacks"),
    Call("us-east-1", "DescribeStacks"),
]
NEXT = ["db.bootstrap", "db.migrate", "status", "outputs"]


def get(endpoint, host, path):
    """Send a request with *host* as its Host; return status and Location."""
    connection = http.client.HTTPConnection(urlsplit(endpoint.url).netloc, timeout=60)
    connection.request("GET", path, headers={"Host": host})
    response = connection.getresponse()
    connection.close()
    return response.status, response.headers["Location"]


def test_all_stacks(checkout):
    """`deploy` creates every stack; a second run makes three read requests and changes nothing.

    `plan` makes only these requests, too.

    Standard output has the addresses and, after changes, the next commands. The stacks are kept when
    the emulator stops. The test records an image first: without an image, every run also reads the
    parameter of the image.
    """
    checkout.run("deploy", "--stack=registry")
    checkout.run("service.record", f"--image={application.push(checkout, 'v1')}")
    first = checkout.run("deploy")
    with checkout.recorded_requests() as proxy:
        second = checkout.run("deploy")
    with checkout.recorded_requests() as planning:
        unchanged = checkout.run("plan")
    outputs = checkout.run("outputs").out
    checkout.run("emulator.stop")
    third = checkout.run("deploy")

    rows = (checkout.path / "build/local/layers.txt").read_text().splitlines()[1:]
    names = [row.split()[1] for row in rows]
    assert FIRST_LINE == first.first == second.first == third.first
    assert set(checkout.stacks().values()) == {"CREATE_COMPLETE"}
    site = f"cruddur.localhost:{urlsplit(checkout.endpoint.url).port}"
    assert f"  site    http://{site} (404: nothing is published)\n" in first.out
    assert [f"  ./inv {task} " for task in NEXT] == [
        line[: len(f"  ./inv {task} ")]
        for task, line in zip(NEXT, first.out.partition("next:\n")[2].splitlines(), strict=True)
    ]
    table = outputs.partition("open in a browser:")[0]
    with_outputs = [name for name in names if name != "crd-local-monitoring"]
    assert with_outputs == list(dict.fromkeys(line.split()[0] for line in table.splitlines()))
    assert outputs == checkout.run("outputs").out
    assert first.last.startswith(f"{len(names) - 1} created, 1 kept, in ")
    assert READS == proxy.calls == planning.calls
    assert unchanged.out == f"{len(names)} stacks: {len(names)} keep\n"
    assert second.last.startswith(f"{len(names)} kept, in ")
    assert third.last.startswith(f"{len(names)} kept, in ")
    # The second run prints the port of the recording proxy instead of the port of the emulator.
    assert re.sub(r":\d+", "", second.out) == re.sub(r":\d+", "", third.out)
    assert third.out.splitlines() == [
        "open in a browser:",
        f"  site    http://{site}",
        f"  API     http://api.{site}",
        f"  assets  http://assets.{site}/banners/banner.jpg",
    ]


def test_cluster(checkout):
    """`deploy --stack=cluster` creates the cluster and its dependencies, and nothing else.

    Its load balancer redirects port 80 to 443 with path and query, and other hosts than the API
    to the site. All stacks can be destroyed and deployed again.
    """
    checkout.run("deploy", "--stack=cluster")

    endpoint, stacks = checkout.endpoint, checkout.stacks()
    balancer = checkout.client("elbv2").describe_load_balancers()["LoadBalancers"][0]["DNSName"]
    api, site = "api.cruddur.localhost", "cruddur.localhost"
    assert stacks.keys() == {"foundation", "dns", "network", "cluster"}
    assert get(endpoint, api, "/a/b?c=d&e=f") == (301, f"https://{api}:443/a/b?c=d&e=f")
    assert get(endpoint, f"{balancer}:443", "/a/b?c=d") == (302, f"https://{site}:443/a/b?c=d")
    assert get(endpoint, f"{api}:443", "/a/b?c=d")[1] is None

    destroyed = checkout.run("destroy", "--yes")

    assert checkout.stacks() == {}
    assert destroyed.last.startswith("4 deleted, in ")
    order = [line.split()[0] for line in destroyed.err.splitlines() if " deleted  " in line]
    assert order.index("crd-local-cluster") < order.index("crd-local-network")

    checkout.run("deploy", "--stack=cluster", "--jobs=1")

    assert stacks == checkout.stacks()


def test_one_stack(tiny):
    """`--stack` also deploys dependencies, `--only` does not; both work in a subfolder."""
    (tiny.path / "docs").mkdir()
    alone = tiny.run("deploy", "--stack=top", "--only", cwd="docs", code=1)
    before = tiny.stacks()

    tiny.run("deploy", "--stack=crd-local-right", cwd="docs")
    with_dependencies = tiny.stacks()
    tiny.run("deploy", "--stack=far", "--stack=top", "--only", cwd="docs")

    assert "crd-local-top: needs Note of crd-local-far, which is not deployed" in alone.err
    assert "hint:   deploy that first, or omit --only" in alone.err
    assert before == {}
    assert with_dependencies.keys() == {"ground", "right"}
    assert COMPLETE.keys() - {"left"} == tiny.stacks().keys()


def test_change(tiny):
    """A changed stack is updated and the others are kept, with a value from another region."""
    tiny.run("deploy")
    before = tiny.client("cloudformation", "us-east-1").describe_stacks()["Stacks"][0]
    tiny.configure(left={"title": "Another title"})

    changed = tiny.run("deploy")

    [parameter] = tiny.client("cloudformation").describe_stacks(StackName="crd-local-top")[
        "Stacks"
    ][0]["Parameters"]
    note = next(output for output in before["Outputs"] if output["OutputKey"] == "Note")
    assert note["OutputValue"] == parameter["ParameterValue"]
    assert "Another title" in " ".join(changed.err.split())
    assert changed.last.startswith("1 updated, 4 kept, in ")
    assert tiny.stacks() == COMPLETE | {"left": "UPDATE_COMPLETE"}


def test_order_and_jobs(tiny):
    """Independent stacks are created concurrently, except with `--jobs=1`."""
    tiny.set_resource_delay(0.1)

    tiny.run("deploy")
    concurrent = creation_times(tiny)
    tiny.run("destroy", "--yes")
    tiny.run("deploy", "--jobs=1")
    sequential = creation_times(tiny)

    assert concurrent["left"][0] < concurrent["right"][1]
    assert concurrent["right"][0] < concurrent["left"][1]
    order = ["ground", "far", "left", "right", "top"]
    assert order == sorted(sequential, key=sequential.get)
    assert all(sequential[first][1] <= sequential[second][0] for first, second in pairwise(order))


def creation_times(tiny):
    """Return the start and the end of each stack's creation."""
    found = {}
    for stack in COMPLETE:
        client = tiny.client("cloudformation", "us-east-1" if stack == "far" else "ca-central-1")
        events = client.describe_stack_events(StackName=f"crd-local-{stack}")["StackEvents"]
        times = {
            event["ResourceStatus"]: event["Timestamp"]
            for event in events
            if event["LogicalResourceId"] == f"crd-local-{stack}"
        }
        found[stack] = times["CREATE_IN_PROGRESS"], times["CREATE_COMPLETE"]
    return found
