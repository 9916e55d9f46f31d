"""AWS services reach a function or a topic only if its own policy lets them."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from emulator import ministack
from emulator.ministack import Answer, Props

_log = logging.getLogger("emulator.permissions")

_S3 = "s3.amazonaws.com"
_API = "apigateway.amazonaws.com"
_DEFAULT = "__default_statement_ID"  # Every topic's own: it is about accounts, not services.


def close() -> None:
    """Ask a function's policy as well, and do not take a topic's default one for a yes."""
    ministack.swap(ministack.s3, "_validate_notification_configs", _with_functions)
    ministack.swap(ministack.s3, "_deliver_event_to_lambda", _if_still_permitted)
    ministack.swap(ministack.sns, "topic_policy_allows", _by_a_statement_of_ours)
    ministack.swap(ministack.http_apis, "_invoke_lambda_proxy", _integration)
    ministack.swap(ministack.http_apis, "_invoke_request_authorizer_lambda", _authorizer)
    ministack.wrap_type("AWS::Lambda::Permission", "create", _for_a_function)


def may_invoke(function: str, *, service: str, source: str) -> bool:
    """Say whether a function's own policy lets *service* invoke it for *source*."""
    record, _, _ = ministack.find_function(function)
    return record is not None and ministack.policy_allows(
        record["policy"], "lambda:InvokeFunction", function, service=service, source=source
    )


def _with_functions(validate: Callable[..., Answer | None]) -> Callable[..., Answer | None]:
    def validating(
        configs: list[dict[str, Any]], region: str, bucket: str = "", skip: Any = None
    ) -> Answer | None:
        refused = [
            one["arn"]
            for one in configs
            if one["type"] == "lambda"
            and not may_invoke(one["arn"], service=_S3, source=f"arn:aws:s3:::{bucket}")
        ]
        if refused and not skip:
            message = "Unable to validate the following destination configurations"
            return ministack.refuse_s3("InvalidArgument", f"{message}: {', '.join(refused)}", 400)
        return validate(configs, region, bucket, skip)

    return validating


def _if_still_permitted(deliver: Callable[..., None]) -> Callable[..., None]:
    def delivering(function: str, event: dict[str, Any], region: str) -> None:
        bucket = event["Records"][0]["s3"]["bucket"]["arn"]
        if may_invoke(function, service=_S3, source=bucket):
            deliver(function, event, region)
        else:
            _log.warning("%s does not let %s invoke it: an event is lost", function, bucket)

    return delivering


def _by_a_statement_of_ours(_allows: Callable[..., bool]) -> Callable[..., bool]:
    def allowing(topic: str, service: str, source: str, _account: str) -> bool:
        found = ministack.store(ministack.sns, "_topic_by_arn_any_scope")(topic)
        policy = json.loads((found or {}).get("attributes", {}).get("Policy") or "{}")
        ours = [one for one in policy.get("Statement", []) if one.get("Sid") != _DEFAULT]
        return ministack.policy_allows(
            {**policy, "Statement": ours}, "sns:Publish", topic, service=service, source=source
        )

    return allowing


def _integration(invoke: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
    async def invoking(
        integration: dict[str, Any],
        api: str,
        stage: str,
        path: str,
        method: str,
        *rest: Any,
        **more: Any,
    ) -> Answer:
        source = f"{_api_arn(api)}/{stage}/{method}{path}"
        if not _permitted(integration.get("integrationUri", ""), source):
            return _internal_error()
        return await invoke(integration, api, stage, path, method, *rest, **more)

    return invoking


def _authorizer(invoke: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """None is what the caller takes for a failed authorizer: a 500."""

    async def invoking(authorizer: dict[str, Any], event: dict[str, Any], *where: str) -> Any:
        api = event["requestContext"]["apiId"]
        source = f"{_api_arn(api)}/authorizers/{authorizer['authorizerId']}"
        if not _permitted(authorizer.get("authorizerUri", ""), source):
            return None
        return await invoke(authorizer, event, *where)

    return invoking


def _permitted(uri: str, source: str) -> bool:
    function = ministack.function_of_uri(uri)
    permitted = may_invoke(function, service=_API, source=source)
    if not permitted:
        _log.warning("%s does not let %s invoke it", function, source)
    return permitted


def _api_arn(api: str) -> str:
    return f"arn:aws:execute-api:{ministack.region()}:{ministack.account()}:{api}"


def _internal_error() -> Answer:
    body = json.dumps({"message": "Internal Server Error"}).encode()
    return 500, {"Content-Type": "application/json"}, body


def _for_a_function(create: Callable[..., Any]) -> Callable[..., Any]:
    def creating(title: str, props: Props, stack: str) -> Any:
        if ministack.find_function(props["FunctionName"])[0] is None:
            raise ValueError(f"Function not found: {props['FunctionName']} (Service: Lambda)")
        return create(title, props, stack)

    return creating
