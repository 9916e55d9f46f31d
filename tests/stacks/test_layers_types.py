"""Mistakes in `layers()` are type errors."""

import re
from pathlib import Path

import pytest
from mypy import api

ROOT = Path(__file__).parents[2]

BEGINNING = """
from deployer.model import Layers
from stacks import Config
from stacks import cluster as cluster_stack
from stacks import dns as dns_stack
from stacks import foundation as foundation_stack
from stacks import network as network_stack

def layers(config: Config) -> Layers:
    layers = Layers(config.env)
    foundation = layers.add("foundation", foundation_stack.define, config.foundation)
    dns = layers.add("dns", dns_stack.define)
    network = layers.add("network", network_stack.define, config.network, foundation)
    us_east_1 = layers.in_region("us-east-1")
"""

CORRECT = [
    'layers.add("cluster", cluster_stack.define, config.cluster, network, dns, dual_stack=True)',
    'us_east_1.add("cluster", cluster_stack.define, config.cluster, network, dns, dual_stack=True)',
    "_ = network.public_subnets",
]

MISTAKES = {
    "a misspelled output": "_ = network.public_subnet",
    "swapped stacks": (
        'layers.add("cluster", cluster_stack.define, config.cluster, dns, network, dual_stack=True)'
    ),
    "the wrong stack": (
        'layers.add("cluster", cluster_stack.define, config.cluster, network, foundation, dual_stack=True)'
    ),
    "a forgotten dependency": (
        'layers.add("cluster", cluster_stack.define, config.cluster, network, dual_stack=True)'
    ),
    "a dependency too many": 'layers.add("dns", dns_stack.define, foundation)',
    "a forgotten keyword": 'layers.add("cluster", cluster_stack.define, config.cluster, network, dns)',
    "a misspelled keyword": (
        'layers.add("cluster", cluster_stack.define, config.cluster, network, dns, dual=True)'
    ),
    "another stack's settings": 'layers.add("network", network_stack.define, config.cluster, foundation)',
    "misspelled settings": 'layers.add("network", network_stack.define, config.netwrok, foundation)',
    "forgotten settings": 'layers.add("network", network_stack.define, foundation)',
    "the same in another region": 'us_east_1.add("network", network_stack.define, foundation)',
}


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    """Return the lines with a mypy error in a file with all lines of CORRECT and MISTAKES."""
    file = tmp_path_factory.mktemp("types") / "candidates.py"
    lines = [
        *BEGINNING.strip().splitlines(),
        *(f"    {line}" for line in [*CORRECT, *MISTAKES.values()]),
    ]
    file.write_text("\n".join([*lines, "    return layers", ""]))

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        found, problems, _ = api.run([str(file)])

    assert not problems
    numbers = {int(number) for number in re.findall(r"candidates\.py:(\d+): error", found)}
    return {lines[number - 1].strip() for number in numbers}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mypy_finds_a_mistake_in_layers(reported, mistake):
    """Passing the output of a wrong stack or type in `layers()` is a type error."""
    assert MISTAKES[mistake] in reported


@pytest.mark.parametrize("line", CORRECT)
def test_mypy_accepts_correct_lines(reported, line):
    """Mypy reports no error in the correct lines, so the errors above come from the mistakes."""
    assert line not in reported
