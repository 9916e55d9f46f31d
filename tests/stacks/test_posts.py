"""The scheduled function that deletes expired posts."""

import pytest


@pytest.fixture
def posts(emitted):
    return emitted["posts"]


def test_schedule(posts):
    """EventBridge invokes the function every five minutes."""
    rule = posts.one("AWS::Events::Rule")

    assert rule["ScheduleExpression"] == "rate(5 minutes)"
    assert [target["Arn"] for target in rule["Targets"]] == [{"Fn::GetAtt": ["ExpirePosts", "Arn"]}]


def test_only_the_schedule_invokes_the_function(posts):
    """Only the rule of the schedule may invoke the function."""
    permission = posts.one("AWS::Lambda::Permission")

    assert permission["Principal"] == "events.amazonaws.com"
    assert permission["SourceArn"] == {"Fn::GetAtt": ["ExpirePostsSchedule", "Arn"]}


def test_a_failed_run_is_not_repeated(posts):
    """A failed run is not retried, because the next run deletes the same posts."""
    assert posts.one("AWS::Lambda::EventInvokeConfig")["MaximumRetryAttempts"] == 0


def test_the_function_reaches_only_the_database(posts, config):
    """The function connects as the database user of the application, through one egress rule."""
    variables = posts.one("AWS::Lambda::Function")["Environment"]["Variables"]
    (egress,) = posts.one("AWS::EC2::SecurityGroup")["SecurityGroupEgress"]
    env = config.env.name

    assert variables["PGUSER"] == {"Fn::ImportValue": f"crd-{env}-database-Application"}
    assert egress["DestinationSecurityGroupId"] == {
        "Fn::ImportValue": f"crd-{env}-database-SecurityGroup"
    }


def test_a_missing_run_is_noticed(emitted):
    """An alarm fires if the function was not invoked for an hour."""
    alarm = emitted["monitoring"].of("AWS::CloudWatch::Alarm")["PostsExpirePostsNotInvoked"]

    assert alarm["TreatMissingData"] == "breaching"
    assert alarm["Period"] * alarm["EvaluationPeriods"] == 3600
