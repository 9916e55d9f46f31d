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
    """The user pool of prod with some settings changed."""
    config = config_of("prod")
    users = emit(replace(config, users=replace(config.users, **changes)))["users"]
    return users.one("AWS::Cognito::UserPool")


# --- people ---------------------------------------------------------------------------------


def test_people_sign_in_with_their_mail_address_in_whatever_case(pool):
    """Two people cannot differ by a capital letter."""
    assert ["email"] == pool["UsernameAttributes"]
    assert {"CaseSensitive": False} == pool["UsernameConfiguration"]


def test_everyone_has_an_address_a_name_and_a_handle(pool):
    """And keeps the handle, which posts and links carry; Cognito can never change this list."""
    attributes = {one["Name"]: one["Mutable"] for one in pool["Schema"]}

    assert {"email": True, "name": True, "preferred_username": False} == attributes
    assert {True} == {one["Required"] for one in pool["Schema"]}


def test_an_address_is_proven_before_it_is_used(pool):
    """When signing up, and when it changes: till then the old one goes on."""
    changed = pool["UserAttributeUpdateSettings"]["AttributesRequireVerificationBeforeUpdate"]

    assert ["email"] == pool["AutoVerifiedAttributes"] == changed


def test_a_proven_address_is_the_only_way_back_in(pool):
    """Not a phone number, which can be taken over."""
    assert [{"Name": "verified_email", "Priority": 1}] == pool["AccountRecoverySetting"][
        "RecoveryMechanisms"
    ]


def test_passwords_are_strong(pool):
    """Twelve letters of four kinds; one that an administrator gives is good for a day."""
    policy = pool["Policies"]["PasswordPolicy"]

    assert 12 == policy["MinimumLength"]
    assert all(
        policy[f"Require{kind}"] for kind in ("Lowercase", "Uppercase", "Numbers", "Symbols")
    )
    assert 1 == policy["TemporaryPasswordValidityDays"]


@pytest.mark.parametrize(
    ("app", "expected"),
    [(True, ("OPTIONAL", ["SOFTWARE_TOKEN_MFA"])), (False, ("OFF", None))],
)
def test_an_authenticator_app_is_a_setting(app, expected):
    """Never a text message."""
    pool = with_users(authenticator_app=app)

    assert expected == (pool["MfaConfiguration"], pool.get("EnabledMfas"))
    assert "SmsConfiguration" not in pool


@pytest.mark.parametrize("tier", ["LITE", "ESSENTIALS"])
def test_the_tier_is_a_setting(tier):
    """Said always: AWS's default has changed once and may again."""
    assert tier == with_users(tier=tier)["UserPoolTier"]


def test_only_a_protected_pool_resists_deletion(pool, config):
    """Whoever is in it has no other account."""
    assert ("ACTIVE" if config.env.protect else "INACTIVE") == pool["DeletionProtection"]


# --- the client -----------------------------------------------------------------------------


def test_a_password_never_travels(client):
    """SRP proves it. The older flow of refreshing goes around rotation, so it is off."""
    assert ["ALLOW_USER_SRP_AUTH"] == client["ExplicitAuthFlows"]


def test_the_client_has_no_secret(client):
    """A page could not keep it."""
    assert client["GenerateSecret"] is False


def test_strangers_do_not_learn_who_has_an_account(client):
    """A wrong address and a wrong password get the same answer."""
    assert "ENABLED" == client["PreventUserExistenceErrors"]


def test_a_stolen_refresh_token_is_good_once_at_most(client):
    """Each use replaces it; for some seconds a lost answer can be asked for again."""
    assert {"Feature": "ENABLED", "RetryGracePeriodSeconds": 10} == client["RefreshTokenRotation"]
    assert client["EnableTokenRevocation"] is True


def test_tokens_last_as_long_as_the_settings_say(client, config):
    """In units that are said: without, the same numbers would be hours."""
    minutes, days = config.users.token_minutes, config.users.session_days

    assert (minutes, minutes, days) == (
        client["AccessTokenValidity"],
        client["IdTokenValidity"],
        client["RefreshTokenValidity"],
    )
    assert {"AccessToken": "minutes", "IdToken": "minutes", "RefreshToken": "days"} == client[
        "TokenValidityUnits"
    ]


def test_people_write_nothing_about_themselves_but_what_they_sign_up_with(client):
    """They do not say by themselves that an address is proven."""
    signed_up = ["email", "name", "preferred_username"]

    assert signed_up == client["WriteAttributes"]
    assert [*signed_up, "email_verified"] == client["ReadAttributes"]


def test_others_learn_whose_tokens_to_believe(users):
    """The issuer as it stands in a token, and the client they are for (defect 31).

    And which functions there are.
    """
    outputs = {name: one["Value"] for name, one in users.template["Outputs"].items()}

    assert {
        "Pool": {"Ref": "People"},
        "PoolArn": {"Fn::GetAtt": ["People", "Arn"]},
        "Issuer": {"Fn::Sub": "https://${People.ProviderName}"},
        "Client": {"Ref": "Site"},
        "PostConfirmation": {"Ref": "PostConfirmation"},
        "Migrate": {"Ref": "Migrate"},
    } == outputs


# --- the functions that know people in the database -------------------------------------------


@pytest.fixture
def data(config):
    """What the stack of the database says, by its name there."""
    stack = f"crd-{config.env.name}-database"
    names = ("Address", "Port", "Name", "Firewall", "ResourceId", "Migrator", "Application")
    return {name: {"Fn::ImportValue": f"{stack}-{name}"} for name in names}


def told(users, title):
    """The variables of the function *title*."""
    return users.of("AWS::Lambda::Function")[title]["Environment"]["Variables"]


def test_the_pool_calls_when_somebody_is_confirmed(users, pool):
    """And only this pool does."""
    call = users.one("AWS::Lambda::Permission")

    assert {"PostConfirmation": {"Fn::GetAtt": ["PostConfirmation", "Arn"]}} == pool["LambdaConfig"]
    assert "cognito-idp.amazonaws.com" == call["Principal"]
    assert {"Fn::GetAtt": ["People", "Arn"]} == call["SourceArn"]


def test_the_function_is_done_before_cognito_gives_up(users):
    """Which waits for five seconds (defect 85)."""
    function = users.of("AWS::Lambda::Function")["PostConfirmation"]

    assert 5 == function["Timeout"]


def test_nobody_calls_migrate(users):
    """No service: an operator or the pipeline does, with a right of their own."""
    called = {
        one["FunctionName"]["Fn::GetAtt"][0] for one in users.of("AWS::Lambda::Permission").values()
    }

    assert {"PostConfirmation"} == called


@pytest.mark.parametrize(
    ("title", "user"), [("PostConfirmation", "Application"), ("Migrate", "Migrator")]
)
def test_each_comes_as_its_own_user_without_a_password(users, data, title, user):
    """With a token of IAM, which it can have for that user alone (defects 18, 85)."""
    (policy,) = users.of("AWS::IAM::Role")[f"{title}Role"]["Policies"]
    connect = statements(policy["PolicyDocument"])["Connect"]

    arn, values = connect["Resource"][0]["Fn::Sub"]

    assert ["rds-db:connect"] == connect["Action"]
    assert 1 == len(connect["Resource"])
    assert arn.endswith(":dbuser:${Database}/${User}")
    assert {"Database": data["ResourceId"], "User": data[user]} == values
    assert {
        "PGHOST": data["Address"],
        "PGPORT": data["Port"],
        "PGDATABASE": data["Name"],
        "PGUSER": data[user],
    }.items() <= told(users, title).items()


def test_migrate_knows_for_whom_it_makes_the_tables(users, data):
    """What it makes, the application reads and writes."""
    assert data["Application"] == told(users, "Migrate")["APPLICATION_USER"]


def test_both_stand_in_the_private_subnets(users, config):
    """Of every zone, where the internet has no way to."""
    subnets = [
        {"Fn::ImportValue": f"crd-{config.env.name}-network-PrivateSubnets{number}"}
        for number in range(1, config.network.zones + 1)
    ]

    for function in users.of("AWS::Lambda::Function").values():
        assert {
            "SubnetIds": subnets,
            "SecurityGroupIds": [{"Fn::GetAtt": ["FunctionsFirewall", "GroupId"]}],
        } == function["VpcConfig"]


def test_they_reach_the_database_and_nothing_else(users, data):
    """The rule stands in the group itself: without one, AWS would add its own, to everywhere."""
    firewall = users.one("AWS::EC2::SecurityGroup")
    (way,) = firewall["SecurityGroupEgress"]

    assert not users.of("AWS::EC2::SecurityGroupEgress")
    assert data["Firewall"] == way["DestinationSecurityGroupId"]
    assert (data["Port"], data["Port"], "tcp") == (
        way["FromPort"],
        way["ToPort"],
        way["IpProtocol"],
    )


def test_nobody_reaches_them(users):
    """Whoever calls a function does not come through the network."""
    assert "SecurityGroupIngress" not in users.one("AWS::EC2::SecurityGroup")


def test_the_database_lets_them_in_by_their_firewall(users, data):
    """On its port; whoever joins the group joins with it (defect 19)."""
    way = users.one("AWS::EC2::SecurityGroupIngress")

    assert data["Firewall"] == way["GroupId"]
    assert {"Fn::GetAtt": ["FunctionsFirewall", "GroupId"]} == way["SourceSecurityGroupId"]
    assert (data["Port"], data["Port"], "tcp") == (
        way["FromPort"],
        way["ToPort"],
        way["IpProtocol"],
    )
