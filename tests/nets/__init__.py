"""Second nets: what other people's tools say about every template: `python -m tests.nets`.

They are no gate of their own making but a check on ours (cfn-lint and deployer/policy), so each
runs in an environment of its own below .cache/nets/, never in the product's. See docs/nets.md.
"""
