"""The permissions of a release, and the permissions boundary of the roles that it creates.

`release` has the policies of the role with which CloudFormation executes a release, `boundary` the
permissions boundary. Both are built from `actions` (tables of actions), `resources` (names and
ARNs) and `statements` and `denials` (how a statement is built).

- A stack with a new resource type: add the actions to a table in `actions`.
- A stack with a new role: add the stack to `resources.STACKS_WITH_ROLES`, the permissions of the
  role to `boundary`, and the service that assumes it to `resources.ROLE_SERVICES`.
- A stack with a topic or an EventBridge rule: add the stack to `resources.STACKS_WITH_TOPICS` or
  `resources.STACKS_WITH_SCHEDULES`.

The tests of this package report missing and unneeded permissions.
"""
