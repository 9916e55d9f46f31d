"""What this project adds to the deployment flow."""

from __future__ import annotations

from collections.abc import Iterable

from deployer.aws.account import Account
from deployer.aws.cloud import DeployedStack
from deployer.deployment import ProjectHooks
from deployer.model import Env
from operations import code, names, pictures, project, releases

LINT_CACHE = project.ROOT / ".cache" / "lint"


def hooks() -> ProjectHooks:
    """Return the hooks of this project."""
    return ProjectHooks(
        aliases=names.LAYERS,
        releases=releases.LIMITS,
        build=code.build,
        read_artifact=code.read,
        after_local_change=_publish_site_images,
        lint_cache=LINT_CACHE,
    )


def _publish_site_images(env: Env, account: Account, stack: DeployedStack) -> Iterable[str]:
    """Upload the default avatar and the banner after the stack of their bucket was deployed."""
    if stack.name != env.stack_name(pictures.LAYER):
        return ()
    return pictures.put(account, stack.region, stack.outputs[pictures.OUTPUT])
