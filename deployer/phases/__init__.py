"""Plan updates that CloudFormation would refuse in one step, because other stacks import the exports.

    if may_need_phases(situation):
        phases = plan_phases(situation)
    for stage in stages(steps, phases): ...

All functions are pure. `situation` has the deployed and the desired stacks, `exports` finds the
exports that an update changes or removes, `planning` decides the phases, `stages` orders them, and
`templates` rewrites templates.
"""
