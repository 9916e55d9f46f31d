import json

import pytest


@pytest.fixture
def images(emitted):
    return emitted["registry"].one("AWS::ECR::Repository")


def test_a_tag_always_names_the_same_image(images):
    """So a rollback gets what it asks for."""
    assert "IMMUTABLE" == images["ImageTagMutability"]


def test_images_are_scanned_when_pushed(images):
    """Known holes are found before a release, not after."""
    assert {"ScanOnPush": True} == images["ImageScanningConfiguration"]


def test_only_so_many_images_are_kept(images, config):
    """Untagged ones go after two weeks, old ones when there are too many."""
    rules = json.loads(images["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]

    untagged, old = (rule["selection"] for rule in rules)

    assert [1, 2] == [rule["rulePriority"] for rule in rules]
    assert ("untagged", "sinceImagePushed", 14) == (
        untagged["tagStatus"],
        untagged["countType"],
        untagged["countNumber"],
    )
    assert ("any", "imageCountMoreThan", config.registry.kept_images) == (
        old["tagStatus"],
        old["countType"],
        old["countNumber"],
    )


def test_only_an_unprotected_repository_is_emptied_with_its_stack(images, config):
    """What holds no real data can be torn down in one go."""
    assert (not config.env.protect) == images["EmptyOnDelete"]
