"""Plan a change from the templates in build/ and the objects of git, without an account."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployer.errors import ConfigError

if TYPE_CHECKING:
    from deployer.environment import Environment, Project
    from deployer.preview.propagation import ScopeKey
    from deployer.preview.settings import Place
    from deployer.preview.values import CodeChange, Preview


@dataclass(frozen=True)
class OfflinePlan:
    """The changes of an environment from the commit *base* to *head* and the working tree.

    *is_refused* is true if the change loses data without an acceptance in the config, or adds an
    acceptance that matches no loss.
    """

    environment: Environment
    base: str
    head: str
    preview: Preview
    is_refused: bool = False


def plans(project: Project[Any], names: Sequence[str], base: str) -> list[OfflinePlan]:
    """Return the plan of each environment in *names*, by default of all with reviewed templates.

    *base* is a revision; by default it is the commit where this branch left the main branch.
    Raise StaleError if build/ differs from the code, and ConfigError for an unknown revision.
    """
    from deployer.artifacts import UnchangingCode
    from deployer.environment import LOCAL
    from deployer.preview import git_objects

    if LOCAL in names:
        raise ConfigError(
            f"--env={LOCAL}: its templates are not reviewed, so git does not have them",
            hint="use `./inv plan` for the emulator",
        )
    commit = git_objects.resolve(project.root, base)
    project = replace(project, code=UnchangingCode(project.root))
    if names:
        environments = [project.open(name) for name in names]
    else:
        environments = project.open_all(with_local=False)
    code = cache(lambda name: _code_change(project.root, commit, name))
    return [_plan(project, environment, commit, code) for environment in environments]


def _plan(
    project: Project[Any],
    environment: Environment,
    commit: str,
    code: Callable[[str], CodeChange | None],
) -> OfflinePlan:
    """Compare the templates of an environment at *commit* with those that the code generates."""
    from deployer import synth
    from deployer.phases.offline import with_phases
    from deployer.preview.changes import Context, preview
    from deployer.preview.git_objects import head_revision
    from deployer.preview.reviewed import read_stacks
    from deployer.preview.sources import resource_sources

    environment.write_or_check_templates()
    name = environment.env.name
    before, old_config = _files_at(project.root, commit, name)
    after = synth.files(environment.desired)
    rendered = {template.file: template.body for template in environment.templates}
    # The body of an unchanged template is known, so its text is not parsed.
    unchanged = {file: body for file, body in rendered.items() if before.get(file) == after[file]}
    reviewed = read_stacks(before, unchanged)
    changes = preview(
        name,
        reviewed,
        read_stacks(after, rendered),
        Context(
            sources=resource_sources(environment.desired),
            settings=_settings(project, environment, old_config),
            code=code,
        ),
    )
    changes = with_phases(changes, environment.desired, reviewed)
    changes = replace(changes, accepted=environment.env.accepted_data_losses)
    is_refused = bool(changes.unaccepted) or _adds_unmatched_acceptance(changes, old_config)
    head = head_revision(project.root, commit)
    return OfflinePlan(environment, commit, head, changes, is_refused)


def _files_at(root: Path, commit: str, name: str) -> tuple[dict[str, str], str]:
    """Return the templates of an environment at *commit* by file, and the text of its config file."""
    from deployer.preview.git_objects import read_files

    folder, config = f"build/{name}", f"config/{name}.toml"
    contents = read_files(root, commit, [folder, config])
    texts = {path: content.decode(errors="replace") for path, content in contents.items()}
    old_config = texts.pop(config, "")
    return {path.removeprefix(f"{folder}/"): text for path, text in texts.items()}, old_config


def _adds_unmatched_acceptance(changes: Preview, old_config: str) -> bool:
    """Return whether the config accepts a loss that does not occur, and did not do so before."""
    known = _accepted(old_config)
    return any((item.resource, item.change) not in known for item in changes.unmatched)


def _accepted(config: str) -> set[tuple[Any, Any]]:
    """Return the resource and the kind of change of each acceptance in the text of a config file."""
    from deployer import config as configs

    match configs.table(config):
        case {"env": {"accepted_data_losses": [*items]}}:
            return {
                (item.get("resource"), item.get("change"))
                for item in items
                if isinstance(item, dict)
            }
        case _:
            return set()


def _settings(
    project: Project[Any], environment: Environment, before: str
) -> Mapping[Place, tuple[str, ...]]:
    """Return the changed settings that each place in the templates comes from.

    *before* is the text of the config file at the base.
    """
    from deployer import config
    from deployer.preview.settings import changed_settings, places

    file = project.root / "config" / f"{environment.env.name}.toml"
    tables = config.table(before), config.table(file.read_text("utf-8"))
    if not tables[0] or tables[1] is None:
        return {}

    def render(table: Mapping[str, Any]) -> Mapping[ScopeKey, Mapping[str, Any]] | None:
        rendered = project.render(table)
        return None if rendered is None else _bodies(rendered)

    changed = changed_settings(tables[0], tables[1])
    return places(changed, tables[1], _bodies(environment), render)


def _bodies(environment: Environment) -> dict[ScopeKey, Mapping[str, Any]]:
    from deployer.model.template_tree import desired_templates

    return {
        (stack.region, stack.name, path): tree.body
        for stack in environment.desired
        for path, tree in desired_templates(stack).walk()
    }


def _code_change(root: Path, commit: str, name: str) -> CodeChange | None:
    """Return the change of lambdas/*name* since *commit*; None if the folder no longer exists."""
    from deployer.artifacts import sources
    from deployer.preview.code import LAMBDAS, SHARED, code_change
    from deployer.preview.git_objects import read_files

    if not (root / LAMBDAS / name).is_dir():
        return None
    gathered = sources.gather(root, name)
    folder = f"{LAMBDAS}/{name}/"
    # In the zip, NAME/ and shared/ are at the root: below lambdas/ in the repository.
    after = {
        f"{LAMBDAS}/{path}" if path.startswith((f"{name}/", "shared/")) else path: content
        for path, content in gathered.files.items()
    }
    packed = {*after}
    after |= {f"{folder}requirements.txt": gathered.lock}
    before = read_files(root, commit, [folder.rstrip("/"), SHARED.rstrip("/")])
    included = before.get(f"{folder}{sources.INCLUDE}", b"").decode(errors="replace").split()
    # The paths in include.txt at the base, and those in it now.
    others = {*included, *(path for path in after if not path.startswith((folder, SHARED)))}
    before |= read_files(root, commit, sorted(others)) if others else {}
    # Other files that still exist are not in the zip, such as shared modules of other functions.
    removed = {path for path in before if path not in after and not (root / path).exists()}
    kept = {path: content for path, content in before.items() if path in {*after, *removed}}
    return code_change(name, kept, after, packed)
