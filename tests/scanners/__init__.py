"""Third-party scanners of the templates and workflows: `python -m tests.scanners`.

They check the rules of this repository (cfn-lint and deployer/policy) from outside. Each scanner
is installed in an environment of its own below .cache/scanners/. See docs/scanners.md.
"""
