"""The operations that AWS serves without credentials; all others are refused.

Each rule matches the whole request, so that MiniStack cannot interpret it as another operation.
The following are refused although AWS serves them, because no stack uses them: Cognito identity pools,
user pool domains, function URLs, REST and WebSocket APIs, AppSync, and S3's upload forms.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from emulator.access.signatures import S3
from emulator.ministack import credentials
from emulator.pages.requests import is_page
from emulator.sns_signing import CERTIFICATE_PATH

if TYPE_CHECKING:
    from emulator.access.request import Request

# The operations of user pools that botocore's model of cognito-idp sends unsigned.
COGNITO = frozenset({
    "AssociateSoftwareToken", "ChangePassword", "CompleteWebAuthnRegistration", "ConfirmDevice",
    "ConfirmForgotPassword", "ConfirmSignUp", "DeleteUser", "DeleteUserAttributes",
    "DeleteWebAuthnCredential", "ForgetDevice", "ForgotPassword", "GetDevice",
    "GetTokensFromRefreshToken", "GetUser", "GetUserAttributeVerificationCode",
    "GetUserAuthFactors", "GlobalSignOut", "InitiateAuth", "ListDevices",
    "ListWebAuthnCredentials", "ResendConfirmationCode", "RespondToAuthChallenge", "RevokeToken",
    "SetUserMFAPreference", "SetUserSettings", "SignUp", "StartWebAuthnRegistration",
    "UpdateAuthEventFeedback", "UpdateDeviceStatus", "UpdateUserAttributes",
    "VerifySoftwareToken", "VerifyUserAttribute",
})  # fmt: skip
WEB_IDENTITY = "AssumeRoleWithWebIdentity"

_TARGET = "AWSCognitoIdentityProviderService."
_KEY_SET = re.compile(
    r"/([a-z]{2}(?:-[a-z]+)+-\d_[A-Za-z0-9]+)/\.well-known/(?:jwks\.json|openid-configuration)"
)
_SIGNAL_PATH = re.compile(r"/_ministack/cfn-(?:response|signal)/[0-9a-f-]{32,36}")
# The links in the messages of SNS, and the allowed parameters of their queries.
_LINK_PARAMETERS = {
    "ConfirmSubscription": {"Token", "TopicArn", "AuthenticateOnUnsubscribe"},
    "Unsubscribe": {"SubscriptionArn"},
}
# The query parameters allowed for reading an object of S3, and for listing a bucket.
_OBJECT_QUERY = {"versionId"}
_LIST_QUERY = {
    "list-type", "prefix", "delimiter", "max-keys", "marker", "start-after", "continuation-token",
    "encoding-type", "fetch-owner",
}  # fmt: skip

# First path segments that MiniStack does not route to S3.
_NOT_BUCKETS = {"", "iceberg", "login", "logout", "oauth2", "restapis", "v20180820"}


def is_served(request: Request) -> bool:
    """Return whether AWS serves *request* without credentials, decided without its body."""
    if request.header("authorization"):
        return False
    match request.method:
        case "GET" | "HEAD" if is_page(request):
            return not _may_be_other_operation(request)
        case "GET" | "HEAD":
            return not _may_be_other_operation(request) and (
                request.path == CERTIFICATE_PATH
                or _is_key_set(request)
                or _is_message_link(request)
                or _is_public_object(request)
            )
        case "POST":
            return _is_cognito(request)
        case "PUT":  # The callbacks of CloudFormation: presigned URLs on AWS, random paths here.
            return bool(_SIGNAL_PATH.fullmatch(request.path)) and not request.raw_query
        case "OPTIONS":
            return is_preflight(request)
        case _:
            return False


def is_preflight(request: Request) -> bool:
    """Return whether *request* is a preflight of the local site; origins.py refuses all others.

    AWS ignores the signature of a presigned URL in a preflight, because it is for another method.
    """
    return bool(
        request.method == "OPTIONS"
        and request.header("origin")
        and request.header("access-control-request-method")
        and not request.header("authorization")
        and not request.path.startswith("/_")  # MiniStack's own paths: some accept any method.
    )


def may_be_web_identity(request: Request) -> bool:
    """Return whether *request* may be a call of STS; only its body names the operation."""
    return (
        request.method == "POST"
        and request.path == "/"
        and not request.raw_query
        and not request.header("authorization")
        and not request.header("x-amz-target")
        and request.header("content-type").startswith("application/x-www-form-urlencoded")
    )


def is_web_identity(body: bytes) -> bool:
    """Return whether *body* names AssumeRoleWithWebIdentity and no other operation."""
    form = parse_qsl(body.decode("latin-1"), keep_blank_values=True)
    return [value for name, value in form if name == "Action"] == [WEB_IDENTITY]


def _may_be_other_operation(request: Request) -> bool:
    """Return whether a body or a header could make MiniStack interpret a GET as another operation."""
    names = ("content-type", "content-length", "transfer-encoding", "x-amz-target")
    return any(request.header(name) not in {"", "0"} for name in names)


def _is_cognito(request: Request) -> bool:
    target = request.header("x-amz-target")
    return (
        request.path == "/"
        and not request.raw_query
        and target.startswith(_TARGET)
        and target.removeprefix(_TARGET) in COGNITO
        and request.header("content-type").startswith("application/x-amz-json-1.1")
    )


def _is_key_set(request: Request) -> bool:
    match = _KEY_SET.fullmatch(request.path)
    return bool(match and not request.raw_query and credentials.has_user_pool(match[1]))


def _is_message_link(request: Request) -> bool:
    parameters = dict(request.query)
    if request.path != "/" or len(parameters) != len(request.query):
        return False
    allowed = _LINK_PARAMETERS.get(parameters.pop("Action", ""), set())
    parameters.pop("Version", "")
    return bool(parameters) and parameters.keys() <= allowed


def _is_public_object(request: Request) -> bool:
    """Return whether a bucket's policy makes the object, or the list of objects, public."""
    bucket, _, key = request.path.removeprefix("/").partition("/")
    names = {name for name, _ in request.query}
    if bucket in _NOT_BUCKETS or names - (_OBJECT_QUERY if key else _LIST_QUERY):
        return False
    if credentials.service_of(request) != S3:
        return False
    return credentials.is_public(bucket, key, request.method, request.query_lists)
