"""Access to AWS: the one package of the deployer that imports botocore.

Import the submodules directly. `cloud` has the plain values and the protocol that the rest of the
deployer depends on, and is imported without botocore.
"""
