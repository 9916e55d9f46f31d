"""Tests of the running application; a package, so that its files share one deployment."""
