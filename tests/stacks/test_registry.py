"""The repository of images."""

import json

import pytest


@pytest.fixture
def repository(emitted):
    """Return the ECR repository."""
    return emitted["registry"].one("AWS::ECR::Repository")


def test_tags_are_immutable(repository):
    """A tag cannot be moved to another image, so a rollback gets the image that it requests."""
    assert repository["ImageTagMutability"] == "IMMUTABLE"


def test_images_are_scanned_when_pushed(repository):
    """Images are scanned when they are pushed, so vulnerabilities are found before a release."""
    assert repository["ImageScanningConfiguration"] == {"ScanOnPush": True}


def test_the_lifecycle_limits_the_number_of_images(repository, config):
    """Untagged images expire after two weeks, old images above the maximum."""
    rules = json.loads(repository["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]

    untagged, old = (rule["selection"] for rule in rules)

    assert [rule["rulePriority"] for rule in rules] == [1, 2]
    assert (
        untagged["tagStatus"],
        untagged["countType"],
        untagged["countNumber"],
    ) == ("untagged", "sinceImagePushed", 14)
    assert ("any", "imageCountMoreThan", config.registry.max_images) == (
        old["tagStatus"],
        old["countType"],
        old["countNumber"],
    )


def test_only_an_unprotected_repository_is_emptied_with_its_stack(repository, config):
    """A protected environment retains its images."""
    assert (not config.env.protect) == repository["EmptyOnDelete"]
