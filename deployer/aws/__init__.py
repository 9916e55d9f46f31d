"""Access to AWS: the only package of the deployer that imports botocore.

Import the submodules directly. The rest of the deployer depends on `cloud`, which has plain values
and a protocol, and does not import botocore.
"""
