"""The fixture `function` for tests of the thumbnail function."""

from tests.lambdas.thumbnail.thumbnail_function import function

__all__ = ["function"]
