"""The folder of the built site must not be a symbolic link."""

import pytest

from deployer.errors import GuardError
from operations import project, site


@pytest.mark.parametrize("named", ["", "frontend/dist", "docs/../frontend/dist"])
@pytest.mark.parametrize("link", ["frontend", "frontend/dist"])
def test_a_link_is_not_published(tmp_path, monkeypatch, link, named):
    """A linked folder in the project is refused, whether it is the default or named."""
    root, own = tmp_path / "checkout", tmp_path / "own"
    for folder in (root / link).parent, own:
        folder.mkdir(parents=True)
    (root / link).symlink_to(own)
    monkeypatch.setattr(project, "ROOT", root)
    monkeypatch.setattr(project, "WORKING_DIRECTORY", root)

    with pytest.raises(GuardError, match=f"{link}: is a symbolic link to {own}"):
        site.built_folder(named)


def test_a_folder_outside_of_the_project(tmp_path, monkeypatch):
    """A folder outside of the project can be published; a link to it is refused."""
    monkeypatch.setattr(project, "ROOT", tmp_path / "checkout")
    (tmp_path / "own").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "own")

    assert site.built_folder(str(tmp_path / "own")) == tmp_path / "own"
    with pytest.raises(GuardError, match="is a symbolic link"):
        site.built_folder(str(tmp_path / "link"))
