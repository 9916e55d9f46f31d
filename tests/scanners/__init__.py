"""Third-party scanners of the templates and workflows: `python -m tests.scanners`.

They check the checks of this project (cfn-lint and deployer/policy). Each scanner is installed in
its own environment below .cache/scanners/. See docs/scanners.md.
"""
