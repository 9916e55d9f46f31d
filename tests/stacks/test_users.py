"""The user pool, its client, and the functions that access the database."""

import pytest
from msgspec.structs import replace

from tests.stacks.templates import config_of, emit, statements


@pytest.fixture
def users(emitted):
    return emitted["users"]


@pytest.fixture
def pool(users):
    return users.one("AWS::Cognito::UserPool")


@pytest.fixture
def client(users):
    return users.one("AWS::Cognito::UserPoolClient")


def with_users(**changes):
    """Return the user pool of prod with some settings changed."""
    config = config_of("prod")
    users = emit(replace(config, users=replace(config.users, **changes)))["users"]
    return users.one("AWS::Cognito::UserPool")


# --- the user pool ---------------------------------------------------------------------------------


def test_users_sign_in_with_their_email_in_any_case(pool):
    """The email address is the user name, and its case does not matter."""
    assert pool["UsernameAttributes"] == ["email"]
    assert pool["UsernameConfiguration"] == {"CaseSensitive": False}


def test_sign_up_requires_email_name_and_handle(pool):
    """Email, name and handle are required; the handle is immutable."""
    attributes = {attribute["Name"]: attribute["Mutable"] for attribute in pool["Schema"]}

    assert attributes == {"email": True, "name": True, "preferred_username": False}
    assert {attribute["Required"] for attribute in pool["Schema"]} == {True}


def test_an_email_is_verified_before_it_is_used(pool):
    """A changed address replaces the previous one after its verification."""
    changed = pool["UserAttributeUpdateSettings"]["AttributesRequireVerificationBeforeUpdate"]

    assert ["email"] == pool["AutoVerifiedAttributes"] == changed


def test_account_recovery_uses_the_verified_email(pool):
    """Account recovery uses the verified email, not phone numbers, which can be hijacked."""
    assert pool["AccountRecoverySetting"]["RecoveryMechanisms"] == [
        {"Name": "verified_email", "Priority": 1}
    ]


def test_the_password_policy(pool):
    """At least 12 characters of four classes; a temporary password is valid for a day."""
    policy = pool["Policies"]["PasswordPolicy"]

    assert policy["MinimumLength"] == 12
    assert all(
        policy[f"Require{kind}"] for kind in ("Lowercase", "Uppercase", "Numbers", "Symbols")
    )
    assert policy["TemporaryPasswordValidityDays"] == 1


@pytest.mark.parametrize(
    ("app", "expected"),
    [(True, ("OPTIONAL", ["SOFTWARE_TOKEN_MFA"])), (False, ("OFF", None))],
)
def test_an_authenticator_app_is_a_setting(app, expected):
    """The second factor is an app, if config enables it, and never a text message."""
    pool = with_users(authenticator_app=app)

    assert expected == (pool["MfaConfiguration"], pool.get("EnabledMfas"))
    assert "SmsConfiguration" not in pool


@pytest.mark.parametrize("tier", ["ESSENTIALS", "PLUS"])
def test_the_tier_is_a_setting(tier):
    """The feature plan is always set explicitly, because AWS has changed the default."""
    assert tier == with_users(tier=tier)["UserPoolTier"]


def test_only_a_protected_pool_has_deletion_protection(pool, config):
    """Deletion protection is always set explicitly."""
    assert ("ACTIVE" if config.env.protect else "INACTIVE") == pool["DeletionProtection"]


# --- the client -----------------------------------------------------------------------------


def test_sign_in_uses_srp_only(client):
    """SRP does not send the password; the older refresh flow bypasses token rotation."""
    assert client["ExplicitAuthFlows"] == ["ALLOW_USER_SRP_AUTH"]


def test_the_client_has_no_secret(client):
    """The client has no secret, because a page in a browser cannot keep one."""
    assert client["GenerateSecret"] is False


def test_sign_in_errors_do_not_reveal_accounts(client):
    """An unknown address and a wrong password have the same response."""
    assert client["PreventUserExistenceErrors"] == "ENABLED"


def test_refresh_tokens_are_rotated(client):
    """Each refresh replaces the token; a lost response can be repeated for 10 seconds."""
    assert client["RefreshTokenRotation"] == {"Feature": "ENABLED", "RetryGracePeriodSeconds": 10}
    assert client["EnableTokenRevocation"] is True


def test_token_validity_is_a_setting(client, config):
    """The validities in config have explicit units; without them, they would be hours."""
    minutes, days = config.users.token_minutes, config.users.session_days

    assert (minutes, minutes, days) == (
        client["AccessTokenValidity"],
        client["IdTokenValidity"],
        client["RefreshTokenValidity"],
    )
    assert client["TokenValidityUnits"] == {
        "AccessToken": "minutes",
        "IdToken": "minutes",
        "RefreshToken": "days",
    }


def test_the_own_sender_of_cognito(pool):
    """Without a setting, Cognito sends the emails, also if SES did before."""
    assert pool["EmailConfiguration"] == {"EmailSendingAccount": "COGNITO_DEFAULT"}


def test_the_sender_is_a_setting():
    """The identity of SES is the domain of the address, in the account and region of the pool."""
    pool = with_users(email_sender="no-reply@mail.x.example")

    identity = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:identity/mail.x.example"
    assert pool["EmailConfiguration"] == {
        "EmailSendingAccount": "DEVELOPER",
        "From": "no-reply@mail.x.example",
        "SourceArn": {"Fn::Sub": identity},
    }


def test_users_can_only_write_their_sign_up_attributes(client):
    """Users can write these attributes only, so they cannot mark an address as verified."""
    signed_up = ["email", "name", "preferred_username"]

    assert signed_up == client["WriteAttributes"]
    assert [*signed_up, "email_verified"] == client["ReadAttributes"]


def test_outputs(users):
    """Other stacks verify tokens with issuer and client, and monitor the functions (defect 31)."""
    outputs = {name: output["Value"] for name, output in users.template["Outputs"].items()}

    assert outputs == {
        "Pool": {"Ref": "UserPool"},
        "PoolArn": {"Fn::GetAtt": ["UserPool", "Arn"]},
        "Issuer": {"Fn::Sub": "https://${UserPool.ProviderName}"},
        "Client": {"Ref": "UserPoolClient"},
        "PostConfirmation": {"Ref": "PostConfirmation"},
        "Migrate": {"Ref": "Migrate"},
        "ReconcileUsers": {"Ref": "ReconcileUsers"},
    }


# --- functions that access the database -------------------------------------------


@pytest.fixture
def database(config):
    """Return the imports from the database stack by output name."""
    stack = f"crd-{config.env.name}-database"
    names = ("Address", "Port", "Name", "SecurityGroup", "ResourceId", "Migrator", "Application")
    return {name: {"Fn::ImportValue": f"{stack}-{name}"} for name in names}


def variables(users, title):
    """Return the environment variables of the function *title*."""
    return users.of("AWS::Lambda::Function")[title]["Environment"]["Variables"]


def test_the_pool_invokes_the_post_confirmation_function(users, pool):
    """Only the pool of the stack may invoke the function."""
    permission = users.of("AWS::Lambda::Permission")["PostConfirmationInvokePermission"]

    assert pool["LambdaConfig"] == {"PostConfirmation": {"Fn::GetAtt": ["PostConfirmation", "Arn"]}}
    assert permission["Principal"] == "cognito-idp.amazonaws.com"
    assert permission["SourceArn"] == {"Fn::GetAtt": ["UserPool", "Arn"]}


def test_the_post_confirmation_timeout_is_that_of_cognito(users):
    """The function has the five seconds for which Cognito waits (defect 85)."""
    function = users.of("AWS::Lambda::Function")["PostConfirmation"]

    assert function["Timeout"] == 5


def test_no_service_invokes_migrate(users):
    """No resource policy allows a service: operators and the pipeline use their own permissions."""
    invoked = {
        permission["FunctionName"]["Fn::GetAtt"][0]
        for permission in users.of("AWS::Lambda::Permission").values()
    }

    assert invoked == {"PostConfirmation", "ReconcileUsers"}


def test_reconciliation_invokes_the_post_confirmation_function(users):
    """The function passes the users of this pool to this function, every half hour."""
    variables_ = variables(users, "ReconcileUsers")
    (policy,) = users.of("AWS::IAM::Role")["ReconcileUsersRole"]["Policies"]
    resources = {
        sid: statement["Resource"]
        for sid, statement in statements(policy["PolicyDocument"]).items()
    }

    assert variables_ == {
        "USER_POOL": {"Ref": "UserPool"},
        "POST_CONFIRMATION": {"Fn::GetAtt": ["PostConfirmation", "Arn"]},
    }
    assert resources["ListUsers"] == [{"Fn::GetAtt": ["UserPool", "Arn"]}]
    assert resources["InvokePostConfirmation"] == [variables_["POST_CONFIRMATION"]]
    assert users.one("AWS::Events::Rule")["ScheduleExpression"] == "rate(30 minutes)"


@pytest.mark.parametrize(
    ("title", "user"), [("PostConfirmation", "Application"), ("Migrate", "Migrator")]
)
def test_each_function_connects_as_its_own_database_user(users, database, title, user):
    """Each function authenticates with an IAM token, for its own user only (defects 18, 85)."""
    (policy,) = users.of("AWS::IAM::Role")[f"{title}Role"]["Policies"]
    connect = statements(policy["PolicyDocument"])["ConnectToDatabase"]

    arn, values = connect["Resource"][0]["Fn::Sub"]

    assert connect["Action"] == ["rds-db:connect"]
    assert len(connect["Resource"]) == 1
    assert arn.endswith(":dbuser:${Database}/${User}")
    assert {"Database": database["ResourceId"], "User": database[user]} == values
    assert {
        "PGHOST": database["Address"],
        "PGPORT": database["Port"],
        "PGDATABASE": database["Name"],
        "PGUSER": database[user],
    }.items() <= variables(users, title).items()


def test_migrate_has_the_name_of_the_application_user(users, database):
    """The function gets the name of the user to which migrations grant access."""
    assert database["Application"] == variables(users, "Migrate")["APPLICATION_USER"]


def test_functions_are_in_the_private_subnets(users, config):
    """Functions of the database use the private subnets of all zones, and one security group."""
    subnets = [
        {"Fn::ImportValue": f"crd-{config.env.name}-network-PrivateSubnets{number}"}
        for number in range(1, config.network.zones + 1)
    ]

    functions = users.of("AWS::Lambda::Function")
    placement = {
        "SubnetIds": subnets,
        "SecurityGroupIds": [{"Fn::GetAtt": ["FunctionSecurityGroup", "GroupId"]}],
    }
    assert {title: function.get("VpcConfig") for title, function in functions.items()} == {
        "PostConfirmation": placement,
        "Migrate": placement,
        "ReconcileUsers": None,  # Cognito may have no route from the VPC.
    }


def test_functions_reach_the_database_only(users, database):
    """An explicit egress rule replaces the default one, which allows all traffic."""
    group = users.one("AWS::EC2::SecurityGroup")
    (rule,) = group["SecurityGroupEgress"]

    assert not users.of("AWS::EC2::SecurityGroupEgress")
    assert database["SecurityGroup"] == rule["DestinationSecurityGroupId"]
    assert (database["Port"], database["Port"], "tcp") == (
        rule["FromPort"],
        rule["ToPort"],
        rule["IpProtocol"],
    )


def test_functions_have_no_ingress(users):
    """The security group has no ingress rules: functions are invoked through Lambda."""
    assert "SecurityGroupIngress" not in users.one("AWS::EC2::SecurityGroup")


def test_the_database_allows_ingress_from_the_functions(users, database):
    """The source of the rule is their security group, on the port of the database (defect 19)."""
    rule = users.one("AWS::EC2::SecurityGroupIngress")

    assert database["SecurityGroup"] == rule["GroupId"]
    assert rule["SourceSecurityGroupId"] == {"Fn::GetAtt": ["FunctionSecurityGroup", "GroupId"]}
    assert (database["Port"], database["Port"], "tcp") == (
        rule["FromPort"],
        rule["ToPort"],
        rule["IpProtocol"],
    )
