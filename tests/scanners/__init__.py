"""Third-party scanners of the templates and workflows: `python -m tests.scanners`.

The scanners have their own rules, in addition to those of `./inv lint` (cfn-lint and
deployer/policy). Each scanner is installed in its own environment below .cache/scanners/. See
docs/scanners.md.
"""
