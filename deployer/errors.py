"""The errors that an operator can fix.

    DeployError              1    any other error
    ├── ConfigError          1    a config file or a name on the command line is wrong
    ├── SynthError           1    the stacks cannot be rendered as templates
    ├── LintError            1    a template has findings
    ├── BuildError           1    the code of a function cannot be packed, or would not run
    ├── StaleError           4    build/ differs from a fresh synth
    ├── GuardError           3    the wrong account, region or endpoint; no approval
    ├── CloudError           1    AWS refused a call
    │   ├── BusyError        7    another operation runs on the stack
    │   └── UnreachableError 8    AWS does not respond; running operations continue there
    │       ├── ClockError   8    AWS refuses requests signed at the time of this machine
    │       └── CredentialsError 8  the credentials are missing, broken or expired
    ├── RolledBackError      5    a stack operation failed and CloudFormation rolled it back
    ├── ManualRepairError    6    an operator must repair the stack
    ├── EmulatorError        1    the emulator does not start, or has an unknown version
    └── IsolationError       1    code must be isolated, but this machine does not support it

The number is the exit code. Any other exception is a bug and prints its traceback.
"""

from __future__ import annotations

from typing import ClassVar


class DeployError(Exception):
    """An error with a *message*, which has the place and the fact, and a *hint*: what to do."""

    code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Return the message and, on a line of its own, the hint."""
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message


class ConfigError(DeployError):
    """A config file has an invalid value, or a name is unknown."""


class SynthError(DeployError):
    """The stacks cannot be rendered as templates."""


class LintError(DeployError):
    """A template has findings without an exemption."""


class BuildError(DeployError):
    """The code of a function cannot be packed, or would not run in Lambda."""


class StaleError(DeployError):
    """The reviewed templates differ from those that the code generates now."""

    code = 4


class GuardError(DeployError):
    """A check refused the run before anything was changed."""

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
    """AWS does not respond; running operations continue there."""

    code = 8


class ClockError(UnreachableError):
    """AWS refuses requests signed at the time of this machine, whose clock is wrong."""


class CredentialsError(UnreachableError):
    """The credentials are missing, broken or expired: a retry would not help."""


class RolledBackError(DeployError):
    """A stack operation failed and CloudFormation rolled it back."""

    code = 5


class ManualRepairError(DeployError):
    """A stack is in a state that only an operator can repair."""

    code = 6


class EmulatorError(DeployError):
    """The emulator does not start, or has an unknown version."""


class IsolationError(DeployError):
    """CRUDDUR_ISOLATION requires isolation that this machine does not support."""
