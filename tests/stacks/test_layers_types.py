import re
from pathlib import Path

import pytest
from mypy import api

ROOT = Path(__file__).parents[2]

BEGINNING = """
from deployer.model import Layers
from stacks import Config, cluster, dns, foundation, network

def layers(config: Config) -> Layers:
    layers = Layers(config.env)
    base = layers.add("foundation", foundation.define, config.foundation)
    names = layers.add("dns", dns.define)
    net = layers.add("network", network.define, config.network, base)
    at = layers.in_region("us-east-1")
"""

GOOD = [
    'layers.add("cluster", cluster.define, config.cluster, net, names, dual_stack=True)',
    'at.add("cluster", cluster.define, config.cluster, net, names, dual_stack=True)',
    "_ = net.public_subnets",
]

BAD = {
    "a misspelt output": "_ = net.public_subnet",
    "swapped stacks": (
        'layers.add("cluster", cluster.define, config.cluster, names, net, dual_stack=True)'
    ),
    "the wrong stack": (
        'layers.add("cluster", cluster.define, config.cluster, net, base, dual_stack=True)'
    ),
    "a forgotten dependency": (
        'layers.add("cluster", cluster.define, config.cluster, net, dual_stack=True)'
    ),
    "a dependency too many": 'layers.add("dns", dns.define, base)',
    "a forgotten keyword": 'layers.add("cluster", cluster.define, config.cluster, net, names)',
    "a misspelt keyword": (
        'layers.add("cluster", cluster.define, config.cluster, net, names, dual=True)'
    ),
    "another stack's settings": 'layers.add("network", network.define, config.cluster, base)',
    "misspelt settings": 'layers.add("network", network.define, config.netwrok, base)',
    "forgotten settings": 'layers.add("network", network.define, base)',
    "the same in another region": 'at.add("network", network.define, base)',
}


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    """The lines that mypy finds fault with, of one file with every good and bad one in it."""
    file = tmp_path_factory.mktemp("types") / "candidates.py"
    lines = [*BEGINNING.strip().splitlines(), *(f"    {one}" for one in [*GOOD, *BAD.values()])]
    file.write_text("\n".join([*lines, "    return layers", ""]))

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        found, problems, _ = api.run([str(file)])

    assert not problems
    numbers = {int(number) for number in re.findall(r"candidates\.py:(\d+): error", found)}
    return {lines[number - 1].strip() for number in numbers}


@pytest.mark.parametrize("mistake", BAD)
def test_a_mistake_in_layers_is_found_before_anything_runs(reported, mistake):
    """By the types alone: nobody has to deploy to learn of it."""
    assert BAD[mistake] in reported


@pytest.mark.parametrize("line", GOOD)
def test_what_is_right_is_left_alone(reported, line):
    """Or the cases above would prove nothing."""
    assert line not in reported
