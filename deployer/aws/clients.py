"""Create botocore clients that send requests only to AWS and raise the errors of the deployer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import botocore.session
from botocore.config import Config
from botocore.parsers import ResponseParserError
from botocore.plugin import PluginContext, reset_plugin_context, set_plugin_context

from deployer.aws import operator_setup
from deployer.aws.errors import is_clock_skew, translate_errors
from deployer.errors import GuardError

SINGLE_ATTEMPT = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 1})
STANDARD = Config(
    connect_timeout=5, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 8}
)
LOCAL = Config(
    connect_timeout=1,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 2},
    proxies={},
)
_REQUEST_ID_HEADERS = ("x-amzn-requestid", "x-amz-request-id")  # AWS always sends one of them.


class _TranslatedErrors:
    """A base class of each client: its calls raise DeployError, not exceptions of botocore.

    botocore's waiters do not work with such a client, since they catch ClientError.
    """

    meta: Any

    def _make_api_call(self, operation_name: str, api_params: dict[str, Any]) -> Any:
        operation = self.meta.service_model.operation_model(operation_name)
        place = _resource(operation, api_params) or f"AWS in {self.meta.region_name}"
        with translate_errors(place):
            return super()._make_api_call(operation_name, api_params)  # type: ignore[misc]


def create_client(
    session: botocore.session.Session, service: str, region: str, config: Config, url: str | None
) -> Any:
    """Create a client; raise GuardError if its endpoint is neither *url* nor one of AWS.

    No plugin is loaded, not even for the clients that botocore creates inside other clients.
    """
    session.register(
        "creating-client-class", cast("Any", _add_base_class), unique_id="translate-errors"
    )
    token = set_plugin_context(PluginContext(plugins="DISABLED"))
    try:
        with translate_errors(f"{service} in {region}"):
            client = session.create_client(
                cast("Any", service), region_name=region, config=config, endpoint_url=url
            )
    finally:
        reset_plugin_context(token)
    client.meta.events.register("before-parse", _refuse_foreign_response)
    client.meta.events.register_first("needs-retry", cast("Any", _retry_clock_skew))
    if url is None:
        refuse_other_hosts(client.meta.endpoint_url)
    return client


def refuse_other_hosts(url: str) -> None:
    """Raise GuardError unless *url* is the HTTPS address of an AWS service."""
    if not operator_setup.is_aws(url):
        raise GuardError(
            f"{url.partition('?')[0]}: not the HTTPS address of an AWS service; nothing was sent",
            hint="check the region in the config file",
        )


def _add_base_class(base_classes: list[type], **_: Any) -> None:
    base_classes.insert(0, _TranslatedErrors)


def _resource(operation: Any, parameters: Mapping[str, Any]) -> str:
    """Return the resource that a call is about, for an error; empty if there is none.

    Of S3 it is the bucket and the key, of other services the first parameter that is a string, or a
    list of strings, and not sensitive. Required parameters are preferred.
    """
    if "Bucket" in parameters:
        return "/".join(["s3:/", *_texts([parameters["Bucket"], parameters.get("Key")])])
    if operation.input_shape is None:
        return ""
    members = operation.input_shape.members
    names = [*operation.input_shape.required_members, *parameters]
    for name in names:
        if name in members and not members[name].metadata.get("sensitive"):
            value = parameters.get(name)
            if texts := list(_texts(value if isinstance(value, list) else [value])):
                return ", ".join(short_name(text) for text in texts)
    return ""


def _texts(values: list[Any]) -> Iterator[str]:
    """Yield the strings of *values*, in printable form."""
    for value in values:
        if isinstance(value, str):
            yield value if value.isprintable() else ascii(value)[1:-1]


def short_name(arn: str) -> str:
    """Return the name in the ARN of a stack or change set; return any other text unchanged."""
    return arn.split("/")[1] if ":cloudformation:" in arn and "/" in arn else arn


def _refuse_foreign_response(response_dict: dict[str, Any], operation_model: Any, **_: Any) -> None:
    """Raise ResponseParserError for a successful response that does not come from AWS.

    A proxy or captive portal may respond instead, with a login page that botocore would parse as a
    response without values. Such a response has no request id, and is HTML or, instead of the XML of
    a service with the query protocol, something else. S3 stores objects of every type and responds
    to an upload with an empty body, so for S3 only the request id is checked.
    """
    headers = response_dict["headers"]
    if response_dict["status_code"] >= 300 or any(name in headers for name in _REQUEST_ID_HEADERS):
        return
    content_type = headers.get("content-type", "of unknown type")
    service = operation_model.service_model
    is_foreign = service.service_name == "s3" or content_type.startswith("text/html")
    if service.metadata["protocol"] in {"query", "ec2"}:
        element = f"<{operation_model.name}Response".encode()
        is_foreign = is_foreign or element not in response_dict["body"]
    if is_foreign:
        raise ResponseParserError(
            f"{content_type} that is not from AWS; is there a proxy or a login page in between?"
        )


def _retry_clock_skew(response: Any, attempts: int, **_: Any) -> float | None:
    """Make botocore sign and send a request again if AWS refused the time of its signature.

    The machine may have been suspended after the signature, or its clock may have been corrected.
    """
    error = response[1].get("Error", {}) if response else {}
    return 0.0 if attempts == 1 and is_clock_skew(error) else None
