"""The parts of the deployment flow that are specific to this project."""

from __future__ import annotations

from collections.abc import Iterable

from deployer.aws.account import Account
from deployer.aws.cloud import DeployedStack
from deployer.deployment import ProjectHooks
from deployer.model import Env
from operations import assets, lambdas, project, releases, service_failures, stack_aliases

LINT_CACHE = project.ROOT / ".cache" / "lint"


def hooks() -> ProjectHooks:
    """Return the hooks of this project."""
    return ProjectHooks(
        aliases=stack_aliases.STACK_ALIASES,
        releases=releases.LIMITS,
        build=lambdas.build,
        read_artifact=lambdas.read_zip,
        after_local_change=_publish_site_images,
        lint_cache=LINT_CACHE,
        explain_failure=service_failures.explain,
    )


def _publish_site_images(env: Env, account: Account, stack: DeployedStack) -> Iterable[str]:
    """Upload the default avatar and the banner if *stack* is the one with the picture bucket."""
    if stack.name != env.stack_name(assets.STACK):
        return ()
    return assets.publish(account, stack.region, stack.outputs[assets.OUTPUT])
