"""The root collection of the Invoke tasks, which `./inv` lists. commands/ defines the tasks."""

from __future__ import annotations

import gc

from invoke.collection import Collection

from commands import (
    application,
    assets,
    avatar,
    change_set,
    db,
    deployment,
    development,
    ecr,
    emulator,
    env_files,
    image,
    lambdas,
    messages,
    new,
    operations,
    secret,
    service,
    site,
    users,
)
from commands.logs import logs
from commands.preflight import preflight

namespace = Collection(
    application.up,
    application.down,
    deployment.synth,
    deployment.build,
    deployment.lint,
    deployment.plan,
    deployment.deploy,
    deployment.apply,
    deployment.destroy,
    operations.attach,
    operations.cancel,
    operations.rollback,
    operations.history,
    deployment.status,
    deployment.outputs,
    deployment.graph,
    development.test,
    development.check,
    development.docs,
    development.bench,
    development.lock,
    logs,
    preflight,
    assets=assets,
    avatar=avatar,
    **{"change-set": change_set, "lambda": lambdas},
    db=db,
    ecr=ecr,
    emulator=emulator,
    env=env_files,
    image=image,
    messages=messages,
    new=new,
    secret=secret,
    service=service,
    site=site,
    users=users,
)
# Exclude the imported objects from garbage collection at exit. Without this call `./inv --list`
# takes 8 % more CPU time (162 instead of 150 ms). The goal of the benchmark row `list: all tasks`
# is at most 5 % more than Invoke itself.
gc.freeze()
