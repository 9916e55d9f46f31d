"""The database of the tests of post_confirmation, for tests of this function."""

from tests.lambdas.post_confirmation.conftest import credentials, database, instance

__all__ = ["credentials", "database", "instance"]
