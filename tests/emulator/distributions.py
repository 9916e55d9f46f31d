"""Templates with a distribution, for tests of CloudFront."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.emulator.templates import att, ref, resource, template

if TYPE_CHECKING:
    from tests.emulator_server import Aws
CACHED = "658327ea-f89d-4fab-a63d-7e88639e58f6"  # Managed-CachingOptimized
SECURITY = "67f7725c-6f97-4210-82d7-5512b31e9d03"  # Managed-SecurityHeadersPolicy
TO_APEX = """
async function handler(event) {
  const request = event.request;
  const host = request.headers.host.value;
  console.log('host', host);
  if (host.startsWith('www.')) {
    const location = { value: `https://${host.slice(4)}${request.uri}` };
    return { statusCode: 301, statusDescription: 'Moved', headers: { location } };
  }
  if (!request.uri.includes('.')) request.uri = '/index.html';
  return request;
}
"""
ADD_METHOD = """
function handler(event) {
  event.response.headers['x-seen'] = { value: event.request.method };
  return event.response;
}
"""


def behavior(origin: str = "files", **more: Any) -> dict[str, Any]:
    """Return a cache behavior that requires TLS and has one origin."""
    return {
        "TargetOriginId": origin,
        "ViewerProtocolPolicy": "redirect-to-https",
        "CachePolicyId": CACHED,
        **more,
    }


def origin(name: str = "files", bucket: str = "Files", **more: Any) -> dict[str, Any]:
    """Return the origin of a private bucket, with origin access control."""
    return {
        "Id": name,
        "DomainName": att(bucket, "RegionalDomainName"),
        "S3OriginConfig": {"OriginAccessIdentity": ""},
        "OriginAccessControlId": att("Control", "Id"),
        **more,
    }


def read_policy(bucket: str, *actions: str, distribution: str = "Distribution") -> dict[str, Any]:
    """Return a bucket policy that permits *actions* to a distribution: by default to read."""
    arn = {"Fn::Sub": f"arn:aws:cloudfront::${{AWS::AccountId}}:distribution/${{{distribution}}}"}
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": list(actions or ("s3:GetObject",)),
        "Resource": [att(bucket, "Arn"), {"Fn::Sub": f"${{{bucket}.Arn}}/*"}],
        "Condition": {"StringEquals": {"AWS:SourceArn": arn}},
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return resource("AWS::S3::BucketPolicy", Bucket=ref(bucket), PolicyDocument=document)


CONTROL = resource(
    "AWS::CloudFront::OriginAccessControl",
    OriginAccessControlConfig={
        "Name": "control",
        "OriginAccessControlOriginType": "s3",
        "SigningBehavior": "always",
        "SigningProtocol": "sigv4",
    },
)


def cloudfront_function(name: str, code: str, **more: Any) -> dict[str, Any]:
    """Return a published CloudFront function."""
    config = {"Comment": name, "Runtime": "cloudfront-js-2.0"}
    known = {"Name": name, "FunctionCode": code, "FunctionConfig": config, "AutoPublish": True}
    return resource("AWS::CloudFront::Function", **known | more)


def site(
    names: list[str], certificate: str, *, policy: dict[str, Any] | None = None, **config: Any
) -> dict[str, Any]:
    """Return a template of a distribution with these aliases and a private bucket."""
    known: dict[str, Any] = {
        "Enabled": True,
        "Aliases": names,
        "ViewerCertificate": {"AcmCertificateArn": certificate, "SslSupportMethod": "sni-only"},
        "Origins": [origin()],
        "DefaultCacheBehavior": behavior(),
    }
    body = template(
        Files=resource("AWS::S3::Bucket"),
        Policy=policy or read_policy("Files"),
        Control=CONTROL,
        Distribution=resource(
            "AWS::CloudFront::Distribution", DistributionConfig={**known, **config}
        ),
    )
    outputs = {"Files": ref("Files"), "Name": att("Distribution", "DomainName")}
    outputs["Id"] = ref("Distribution")
    return body | {"Outputs": {name: {"Value": value} for name, value in outputs.items()}}


def upload(aws: Aws, files: dict[str, str], bucket: str = "") -> None:
    """Upload text files to the bucket of the stack."""
    for key, text in files.items():
        kind = "text/html" if key.endswith(".html") else "image/jpeg"
        aws.client("s3").put_object(
            Bucket=bucket or aws.outputs("s")["Files"],
            Key=key,
            Body=text.encode(),
            ContentType=kind,
            CacheControl="max-age=60",
        )
