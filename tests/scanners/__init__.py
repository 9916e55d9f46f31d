"""Third-party scanners of the templates and workflows: `python -m tests.scanners`.

They are no gate of their own making but a check on ours (cfn-lint and deployer/policy), so each
runs in an environment of its own below .cache/scanners/, never in the product's. See docs/scanners.md.
"""
