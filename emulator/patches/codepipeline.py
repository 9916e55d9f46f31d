"""Record pipelines, which never run here."""

from __future__ import annotations

from emulator.ministack import cloudformation
from emulator.patches.differences import Difference
from emulator.patches.recorded import Data, Refusal, add_calls, of_kind, record_type

DIFFERENCES = (
    Difference(
        "GetPipeline, GetPipelineState and ListPipelines show the pipelines of stacks.",
        source="AWS::CodePipeline::Pipeline",
        ministack="Unknown type and service.",
        test="test_recorded.py::test_recorded",
    ),
)

_KIND = "AWS::CodePipeline::Pipeline"


def install() -> None:
    """Install the patch."""
    record_type(
        _KIND, lambda props, name: str(props.get("Name", name)), lambda _name: {"Version": "1"}
    )
    add_calls(
        "codepipeline",
        {"GetPipeline": _get, "GetPipelineState": _get_state, "ListPipelines": _list},
    )


def _get(data: Data) -> Data | Refusal:
    for pipeline in of_kind(_KIND):
        if pipeline.name == data["name"]:
            structure = cloudformation.to_camel(pipeline.props)
            return {"pipeline": {**structure, "name": pipeline.name, "version": 1}}
    return "PipelineNotFoundException", f"The pipeline '{data['name']}' does not exist"


def _get_state(data: Data) -> Data | Refusal:
    """Return the state of a pipeline that never ran."""
    found = _get(data)
    if not isinstance(found, dict):
        return found
    stages = [{"stageName": stage["name"]} for stage in found["pipeline"].get("stages", [])]
    return {"pipelineName": data["name"], "pipelineVersion": 1, "stageStates": stages}


def _list(_data: Data) -> Data:
    return {"pipelines": [{"name": pipeline.name, "version": 1} for pipeline in of_kind(_KIND)]}
