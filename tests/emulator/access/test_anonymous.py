"""Operations without credentials."""

from __future__ import annotations

import botocore.session

from emulator.access import anonymous


def test_cognito() -> None:
    """The public operations of user pools are those that botocore sends unsigned."""
    model = botocore.session.Session().get_service_model("cognito-idp")
    unsigned = {
        name for name in model.operation_names if model.operation_model(name).auth_type == "none"
    }

    assert unsigned == anonymous.COGNITO


def test_web_identity() -> None:
    """The body must name this one operation, and no second one."""
    body = b"Action=AssumeRoleWithWebIdentity&RoleArn=x&WebIdentityToken=y"

    assert anonymous.is_web_identity(body)
    assert not anonymous.is_web_identity(body + b"&Action=ListUsers")
    assert not anonymous.is_web_identity(b"Action=ListUsers&" + body)
    assert not anonymous.is_web_identity(body.replace(b"Web", b"SAML"))
    assert not anonymous.is_web_identity(b"")
