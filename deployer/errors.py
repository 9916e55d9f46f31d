"""Everything an operator may be told went wrong.

    DeployError              1    whatever has no better name below
    ├── ConfigError          1    a config file, or a name given on the command line
    ├── SynthError           1    the stacks cannot be written as templates
    ├── LintError            1    a template would be refused, or should be
    ├── BuildError           1    the code of a function cannot be packed, or would not run
    ├── StaleError           4    build/ is not what the code says
    ├── GuardError           3    the wrong account, region or endpoint; no approval
    ├── CloudError           1    AWS said no
    │   ├── BusyError        7    another operation runs on the stack
    │   └── UnreachableError        8    AWS cannot be reached; what was started goes on there
    │       ├── ClockError   8    AWS accepts no request signed at this machine's time
    │       └── CredentialsError 8  the credentials are missing, broken or no longer good
    ├── RolledBackError      5    a stack operation failed and CloudFormation undid it
    ├── ManualRepairError          6    a stack is in a state only a person can mend
    ├── EmulatorError        1    the emulator does not start, or is not what we know
    └── IsolationError       1    code must be isolated, but this machine does not support it

The number is the exit code. A bug is none of these: it stays a traceback.
"""

from __future__ import annotations

from typing import ClassVar


class DeployError(Exception):
    """*message* names the place and the fact, *hint* the way out."""

    code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Both lines, as an operator reads them."""
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message


class ConfigError(DeployError):
    """A config file says something it may not, or a name is unknown."""


class SynthError(DeployError):
    """The stacks cannot be written as templates."""


class LintError(DeployError):
    """A template has findings that nobody has given a reason for."""


class BuildError(DeployError):
    """The code of a function cannot be packed, or would not run where it is meant to."""


class StaleError(DeployError):
    """What was reviewed is not what the code says now."""

    code = 4


class GuardError(DeployError):
    """Refused before anything moved."""

    code = 3


class CloudError(DeployError):
    """AWS refused a call. *aws_code* is the error code of the response; empty if there is none."""

    def __init__(self, message: str, *, hint: str = "", aws_code: str = "") -> None:
        super().__init__(message, hint=hint)
        self.aws_code = aws_code


class BusyError(CloudError):
    """Another operation runs on the stack."""

    code = 7


class UnreachableError(CloudError):
    """AWS cannot be reached any more; what was started there goes on."""

    code = 8


class ClockError(UnreachableError):
    """The clock of this machine is wrong: AWS accepts no request signed at its time."""


class CredentialsError(UnreachableError):
    """The credentials are missing, broken or no longer good: waiting does not mend that."""


class RolledBackError(DeployError):
    """A stack operation failed and CloudFormation undid it."""

    code = 5


class ManualRepairError(DeployError):
    """A stack is in a state that only a person can mend."""

    code = 6


class EmulatorError(DeployError):
    """The emulator does not start, or is not the version we know."""


class IsolationError(DeployError):
    """CRUDDUR_ISOLATION requires isolation that this machine does not support."""
