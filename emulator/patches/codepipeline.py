"""Record pipelines, which never run in the emulator."""

from __future__ import annotations

from emulator.ministack import cloudformation
from emulator.patches.differences import Difference
from emulator.patches.recorded import Data, Refusal, add_calls, add_recorded_type, resources_of_type

DIFFERENCES = (
    Difference(
        "GetPipeline, GetPipelineState and ListPipelines return the pipelines of stacks.",
        source="AWS::CodePipeline::Pipeline",
        ministack="Unknown type and service.",
        test="test_recorded.py::test_recorded",
    ),
)

_KIND = "AWS::CodePipeline::Pipeline"


def install() -> None:
    """Install the patch."""
    add_recorded_type(
        _KIND, lambda props, name: str(props.get("Name", name)), lambda _name: {"Version": "1"}
    )
    add_calls(
        "codepipeline",
        {"GetPipeline": _get, "GetPipelineState": _get_state, "ListPipelines": _list},
    )


def _get(data: Data) -> Data | Refusal:
    for pipeline in resources_of_type(_KIND):
        if pipeline.physical_id == data["name"]:
            structure = cloudformation.to_camel(pipeline.props)
            return {"pipeline": {**structure, "name": pipeline.physical_id, "version": 1}}
    return "PipelineNotFoundException", f"The pipeline '{data['name']}' does not exist"


def _get_state(data: Data) -> Data | Refusal:
    """Return the state of a pipeline that never ran."""
    response = _get(data)
    if not isinstance(response, dict):
        return response
    stages = [{"stageName": stage["name"]} for stage in response["pipeline"].get("stages", [])]
    return {"pipelineName": data["name"], "pipelineVersion": 1, "stageStates": stages}


def _list(_data: Data) -> Data:
    return {
        "pipelines": [
            {"name": pipeline.physical_id, "version": 1} for pipeline in resources_of_type(_KIND)
        ]
    }
