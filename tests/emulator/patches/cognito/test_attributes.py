"""The attributes of users: at sign-up, and when users change them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

import emulator
from tests.emulator.patches.cognito.pools import MAIL, PASSWORD, pool, sign_up_and_in
from tests.srp import sign_in

if TYPE_CHECKING:
    from tests.emulator_server import Aws

NEW = "lovelace@cruddur.example"
PROPERTIES = {
    "Schema": [
        {"Name": name, "AttributeDataType": "String", "Required": True, "Mutable": mutable}
        for name, mutable in (("email", True), ("name", True), ("preferred_username", False))
    ],
    "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]},
}
CLIENT = {"WriteAttributes": ["email", "name", "preferred_username"]}
ADA = {"name": "Ada", "preferred_username": "ada"}


def update(cognito: Any, token: str, **attributes: str) -> Any:
    """Update attributes of the user of an access token."""
    pairs = [{"Name": name, "Value": value} for name, value in attributes.items()]
    return cognito.update_user_attributes(AccessToken=token, UserAttributes=pairs)


def attributes(cognito: Any, token: str) -> dict[str, str]:
    """Return the attributes of the user of an access token."""
    pairs = cognito.get_user(AccessToken=token)["UserAttributes"]
    return {pair["Name"]: pair["Value"] for pair in pairs}


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"name": "Ada"}, "InvalidParameterException.*preferred_username: .* required"),
        (ADA | {"nickname": "a"}, "NotAuthorizedException.*write unauthorized attribute"),
        (ADA | {"email_verified": "true"}, "non-mutable attribute email_verified"),
    ],
)
def test_sign_up_attributes(aws: Aws, cognito: Any, given: dict[str, str], error: str) -> None:
    """A sign-up has every required attribute, and none that the app client may not write.

    AWS: "User pool attributes"; SignUp errors. The texts are not verified.
    """
    client = pool(aws, client=CLIENT, **PROPERTIES)["Client"]
    pairs = [{"Name": name, "Value": value} for name, value in given.items()]

    with pytest.raises(ClientError, match=error):
        cognito.sign_up(ClientId=client, Username=MAIL, Password=PASSWORD, UserAttributes=pairs)


def test_masked_address(aws: Aws, cognito: Any) -> None:
    """The response of SignUp masks the address.

    AWS: CodeDeliveryDetailsType, Destination.
    """
    client = pool(aws)["Client"]
    pairs = [{"Name": "email", "Value": MAIL}]

    response = cognito.sign_up(
        ClientId=client, Username=MAIL, Password=PASSWORD, UserAttributes=pairs
    )

    assert response["CodeDeliveryDetails"] == {
        "Destination": "a****@c****",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }


def test_refused_updates(aws: Aws, cognito: Any) -> None:
    """An immutable attribute, one that the app client may not write, and a verified flag are refused.

    AWS: AWS::Cognito::UserPool, SchemaAttribute; AWS::Cognito::UserPoolClient, WriteAttributes.
    """
    outputs = pool(aws, client=CLIENT, **PROPERTIES)
    token = sign_up_and_in(aws, cognito, outputs, **ADA)["AccessToken"]

    with pytest.raises(ClientError, match=r"InvalidParameterException.*cannot be updated"):
        update(cognito, token, preferred_username="eve")
    with pytest.raises(ClientError, match=r"NotAuthorizedException.*unauthorized attribute"):
        update(cognito, token, nickname="eve")
    with pytest.raises(ClientError, match=r"InvalidParameterException.*non-mutable"):
        update(cognito, token, email_verified="true")
    update(cognito, token, name="Countess")

    assert attributes(cognito, token)["name"] == "Countess"
    assert attributes(cognito, token)["preferred_username"] == "ada"


def test_new_address(aws: Aws, cognito: Any) -> None:
    """A new address is used from its verification on; until then, the old one is.

    AWS: "Verifying updates to email addresses and phone numbers"; VerifyUserAttribute.
    """
    outputs = pool(aws, client=CLIENT, **PROPERTIES)
    token = sign_up_and_in(aws, cognito, outputs, **ADA)["AccessToken"]

    details = update(cognito, token, email=NEW, name="Countess")["CodeDeliveryDetailsList"]
    before = attributes(cognito, token)
    first = emulator.messages(aws.endpoint)[-1]
    again = cognito.get_user_attribute_verification_code(AccessToken=token, AttributeName="email")
    second = emulator.messages(aws.endpoint)[-1]
    with pytest.raises(ClientError, match="CodeMismatchException"):
        cognito.verify_user_attribute(AccessToken=token, AttributeName="email", Code="none")
    cognito.verify_user_attribute(AccessToken=token, AttributeName="email", Code=second.secret)
    after = attributes(cognito, token)

    assert [item["Destination"] for item in details] == ["l****@c****"]
    assert again["CodeDeliveryDetails"]["Destination"] == "l****@c****"
    assert (first.to, second.to) == (NEW, NEW)
    assert (before["email"], before["name"]) == (MAIL, "Countess")
    assert (after["email"], after["email_verified"]) == (NEW, "true")
    assert sign_in(cognito, outputs["Pool"], outputs["Client"], NEW, PASSWORD)


def test_the_address_of_another_user(aws: Aws, cognito: Any) -> None:
    """An address with which another user signs in is refused.

    AWS: UpdateUserAttributes, AliasExistsException.
    """
    outputs = pool(aws)
    token = sign_up_and_in(aws, cognito, outputs)["AccessToken"]
    cognito.sign_up(ClientId=outputs["Client"], Username=NEW, Password=PASSWORD)

    with pytest.raises(ClientError, match="AliasExistsException"):
        update(cognito, token, email=NEW)


def test_without_verification_before_the_update(aws: Aws, cognito: Any) -> None:
    """Without the setting, a new address is set immediately, and is not verified.

    AWS: UserAttributeUpdateSettingsType.
    """
    outputs = pool(aws)
    token = sign_up_and_in(aws, cognito, outputs)["AccessToken"]

    update(cognito, token, email=NEW)

    found = attributes(cognito, token)
    assert (found["email"], found["email_verified"]) == (NEW, "false")
    assert emulator.messages(aws.endpoint)[-1].to == NEW


def test_a_code_that_was_not_sent(aws: Aws, cognito: Any) -> None:
    """A code is refused if none was sent, and if the token is not valid.

    AWS: VerifyUserAttribute, ExpiredCodeException and NotAuthorizedException.
    """
    outputs = pool(aws)
    token = sign_up_and_in(aws, cognito, outputs)["AccessToken"]

    with pytest.raises(ClientError, match="ExpiredCodeException"):
        cognito.verify_user_attribute(AccessToken=token, AttributeName="email", Code="123456")
    with pytest.raises(ClientError, match="NotAuthorizedException"):
        cognito.verify_user_attribute(AccessToken="x.y.z", AttributeName="email", Code="123456")
    with pytest.raises(ClientError, match="InvalidParameterException"):
        cognito.get_user_attribute_verification_code(AccessToken=token, AttributeName="name")
