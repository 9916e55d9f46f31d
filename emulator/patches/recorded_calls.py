"""The calls of services the emulator does not have, answered from what stacks recorded.

Permissions are not checked for them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from emulator import ministack
from emulator.patches.recorded import Recorded, of_kind, target_of

Asgi = Callable[..., Awaitable[None]]
Data = dict[str, Any]
Refusal = tuple[str, str]

_SIGNED = re.compile(rb"Credential=(\d{12})/\d+/([a-z0-9-]+)/([a-z-]+)/")
_PENDING = "PENDING"


def close() -> None:
    """Answer before the emulator says that it does not know the service."""
    ministack.swap(ministack, "ASGI", _answering)


def _answering(emulator: Asgi) -> Asgi:
    async def answering(scope: dict[str, Any], receive: Any, send: Any) -> None:
        headers = dict(scope["headers"]) if scope["type"] == "http" else {}
        signed = _SIGNED.search(headers.get(b"authorization", b""))
        service = signed[3].decode() if signed else ""
        calls = _CALLS.get(service)
        if signed is None or calls is None or not scope.get(ministack.AUTHENTICATED):
            await emulator(scope, receive, send)
            return
        target = headers.get(b"x-amz-target", b"").decode().rpartition(".")[2]
        call = calls.get(target or scope["path"].strip("/"))
        data = json.loads(await ministack.body_of(receive) or b"{}")
        with ministack.scope(signed[1].decode(), signed[2].decode()):
            said = call(data) if call else ("UnknownOperationException", "not known here")
        status, answer = _answer(said)
        kind = "application/x-amz-json-1.1" if target else "application/json"
        await ministack.send_answer(send, status, {"Content-Type": kind}, answer)

    return answering


def _answer(said: Data | Refusal) -> tuple[int, bytes]:
    if isinstance(said, dict):
        return 200, json.dumps(said).encode()
    return 400, json.dumps({"__type": said[0], "message": said[1]}).encode()


def _connections(kind: str) -> dict[str, Callable[[Data], Data | Refusal]]:
    def shown(one: Recorded) -> Data:
        return {
            "ConnectionName": one.props["ConnectionName"],
            "ConnectionArn": one.name,
            "ProviderType": one.props.get("ProviderType", "GitHub"),
            "OwnerAccountId": ministack.account(),
            "ConnectionStatus": _PENDING,
        }

    def get(data: Data) -> Data | Refusal:
        for one in of_kind(kind):
            if one.name == data["ConnectionArn"]:
                return {"Connection": shown(one)}
        return "ResourceNotFoundException", f"Connection not found: {data['ConnectionArn']}"

    def list_(_data: Data) -> Data:
        return {"Connections": [shown(one) for one in of_kind(kind)]}

    return {"GetConnection": get, "ListConnections": list_}


def _pipelines(_data: Data) -> Data:
    found = of_kind("AWS::CodePipeline::Pipeline")
    return {"pipelines": [{"name": one.name, "version": 1} for one in found]}


def _pipeline(data: Data) -> Data | Refusal:
    for one in of_kind("AWS::CodePipeline::Pipeline"):
        if one.name == data["name"]:
            return {"pipeline": {**ministack.to_camel(one.props), "name": one.name, "version": 1}}
    return "PipelineNotFoundException", f"The pipeline '{data['name']}' does not exist"


def _pipeline_state(data: Data) -> Data | Refusal:
    """A pipeline here never ran."""
    found = _pipeline(data)
    if not isinstance(found, dict):
        return found
    stages = [{"stageName": stage["name"]} for stage in found["pipeline"].get("stages", [])]
    return {"pipelineName": data["name"], "pipelineVersion": 1, "stageStates": stages}


def _targets(data: Data) -> Data:
    found = of_kind("AWS::ApplicationAutoScaling::ScalableTarget")
    wanted = [one.props for one in found if _is_asked(one.name, data)]
    return {"ScalableTargets": [{**props, "CreationTime": 0} for props in wanted]}


def _register(data: Data) -> Data | Refusal:
    """Change a target that a stack has made; what the call does not name stays."""
    for one in of_kind("AWS::ApplicationAutoScaling::ScalableTarget"):
        if _is_asked(one.name, data):
            one.props.update(data)
            return {}
    return "ValidationException", f"here a stack registers it first: {data['ResourceId']}"


def _policies(data: Data) -> Data:
    policies = []
    for one in of_kind("AWS::ApplicationAutoScaling::ScalingPolicy"):
        resource, dimension, namespace = target_of(one.props).split("|")
        if _is_asked(target_of(one.props), data):
            shown = {
                **one.props,
                "PolicyARN": one.name,
                "ResourceId": resource,
                "ScalableDimension": dimension,
                "ServiceNamespace": namespace,
                "CreationTime": 0,
            }
            policies.append(shown)
    return {"ScalingPolicies": policies}


def _is_asked(target: str, data: Data) -> bool:
    resource, _, namespace = target.split("|")
    wanted = data.get("ResourceIds") or [data.get("ResourceId", resource)]
    return namespace == data["ServiceNamespace"] and resource in wanted


def _rules(_data: Data) -> Data:
    found = of_kind("AWS::XRay::SamplingRule")
    rules = [{**one.props["SamplingRule"], "RuleARN": one.name} for one in found]
    return {"SamplingRuleRecords": [{"SamplingRule": rule} for rule in rules]}


def _groups(_data: Data) -> Data:
    return {"Groups": [{**one.props, "GroupARN": one.name} for one in of_kind("AWS::XRay::Group")]}


_CALLS: dict[str, dict[str, Callable[[Data], Data | Refusal]]] = {
    "codeconnections": _connections("AWS::CodeConnections::Connection"),
    "codestar-connections": _connections("AWS::CodeStarConnections::Connection"),
    "codepipeline": {
        "GetPipeline": _pipeline,
        "GetPipelineState": _pipeline_state,
        "ListPipelines": _pipelines,
    },
    "application-autoscaling": {
        "DescribeScalableTargets": _targets,
        "DescribeScalingPolicies": _policies,
        "RegisterScalableTarget": _register,
    },
    "xray": {"GetSamplingRules": _rules, "Groups": _groups},
}
