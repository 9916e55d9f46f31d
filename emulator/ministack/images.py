"""MiniStack's ECR: images, and the blobs of their layers."""

from __future__ import annotations

from typing import Any

from emulator.ministack import lookup, services
from emulator.ministack.context import Response
from emulator.ministack.hooks import Function

Data = dict[str, Any]

repositories: Any = lookup.attribute(services.ecr, "_repositories")  # By name.
images: Any = lookup.attribute(services.ecr, "_images")  # Lists by the name of the repository.
blobs: Any = lookup.attribute(services.ecr, "_layer_blobs")  # By repository, then by digest.
uploads: Any = lookup.attribute(services.ecr, "_uploads")  # By repository, then by upload id.

start_upload: Function[[Data], Response] = Function("_initiate_layer_upload", services.ecr)
upload_part: Function[[Data], Response] = Function("_upload_layer_part", services.ecr)
complete_upload: Function[[Data], Response] = Function("_complete_layer_upload", services.ecr)
check_layers: Function[[Data], Response] = Function("_batch_check_layer_availability", services.ecr)
