"""The table of gaps between AWS and the emulator, and how docs/embedded-aws.md shows it."""

from __future__ import annotations

from dataclasses import dataclass

BEGIN = "<!-- The table below is made by `python -m deployer.embedded.gaps`. -->"
END = "<!-- End of the table. -->"
NOT_VERIFIED = "not verified"


@dataclass(frozen=True)
class Gap:
    """Something AWS does that the emulator did not.

    *source* says where AWS's part is documented, or that it is not verified. A closed gap has the
    *module* of this package that closes it and the *test* that shows it; an open one says in
    *consequence* what to mind.
    """

    aws: str
    source: str
    emulator: str
    module: str = ""
    test: str = ""
    consequence: str = ""


GAPS: tuple[Gap, ...] = (
    Gap(
        "a change set says for each property whether it replaces the resource",
        "resource provider schemas, createOnlyProperties",
        "“Conditional” for most types",
        module="replacement",
        test="test_changesets.py::test_replacement",
    ),
    Gap(
        "names that a template does not have are refused before anything is made",
        "serverless/serverless#4745, serverless-plugin-split-stacks#150",
        "accepted",
        module="template",
        test="test_template.py::test_refused",
    ),
    Gap(
        "a circular dependency is refused before anything is made",
        "CloudFormation user guide, Troubleshooting",
        "failed when executed",
        module="template",
        test="test_template.py::test_refused",
    ),
    Gap(
        "an export's name must not depend on resources",
        "aws-cloudformation/cfn-lint#1632",
        "accepted",
        module="template",
        test="test_template.py::test_refused",
    ),
    Gap(
        "a region has its own zones: ca-central-1 a, b, d; us-east-1 a to f",
        "EC2 user guide, Regions and Zones; the letters of an account are not verified",
        "a, b, c everywhere",
        module="zones",
        test="test_template.py::test_zones",
    ),
    Gap(
        "an update that changes or drops an export in use is rolled back and says who uses it",
        "user guide, Fn::ImportValue; aws-samples/generative-ai-use-cases#1232",
        "accepted",
        module="exports",
        test="test_exports.py::test_used_export_stays",
    ),
    Gap(
        "an export that is dropped is gone",
        "user guide, Outputs",
        "stayed in ListExports",
        module="exports",
        test="test_exports.py::test_unused_export_goes",
    ),
    Gap(
        "an export name has one stack",
        "user guide, Outputs; aws-amplify/amplify-cli#1581",
        "the second stack took it over",
        module="exports",
        test="test_exports.py::test_one_owner",
    ),
    Gap(
        "an import of what nobody exports fails with “No export named … found”",
        "aws-cloudformation-templates#263; which event carries it is not verified",
        "failed in other words",
        module="exports",
        test="test_exports.py::test_missing_export",
    ),
    Gap(
        "DeleteStack of an exporter in use is accepted, then canceled: the stack stays as it was",
        "user guide; rlister/stax#40, aws-samples/iam-identity-center-team#474",
        "the call was refused",
        module="exports",
        test="test_exports.py::test_delete_while_used",
    ),
    Gap(
        "ListImports names every stack that imports, whatever became of its last update",
        "API reference",
        "only stacks whose status ends in _COMPLETE",
        module="exports",
        test="test_exports.py::test_import",
    ),
    Gap(
        "a stack whose creation rolled back takes no change set, of either type",
        "rails-lambda/lamby#132 (update); create is not verified",
        "accepted",
        module="changesets",
        test="test_changesets.py::test_failed_create",
    ),
    Gap(
        "a stack in the middle of an operation takes no change set",
        "“is in UPDATE_IN_PROGRESS state and can not be updated”, common knowledge",
        "accepted",
        module="changesets",
        test="test_changesets.py::test_in_operation",
    ),
    Gap(
        "a stack in the middle of an update is not deleted",
        "“cannot be deleted while in status …”, common knowledge",
        "deleted under the update",
        module="changesets",
        test="test_changesets.py::test_delete_in_operation",
    ),
    Gap(
        "executing what cannot be executed names the status that forbids it",
        "localstack test_delete_change_set_exception; aws/amazon-chime-sdk-js#1089",
        "other words",
        module="changesets",
        test="test_changesets.py::test_nothing_to_do",
    ),
    Gap(
        "a change of outputs alone is a change",
        NOT_VERIFIED,
        "FAILED, “didn't contain changes”",
        module="changesets",
        test="test_changesets.py::test_outputs_alone",
    ),
    Gap(
        "a second change set for a stack in review is for the same stack id",
        NOT_VERIFIED,
        "a new stack took the name",
        module="changesets",
        test="test_changesets.py::test_review_keeps_its_id",
    ),
    Gap(
        "a template in S3 is found by virtual-hosted and path-style addresses, with region or not",
        "S3 user guide, Methods for accessing a bucket",
        "path-style only",
        module="template_url",
        test="test_template.py::test_template_url",
    ),
    Gap(
        "an update tells only of resources it touches; new ones are CREATE_*, dropped ones DELETE_*",
        "user guide, View stack events and Stack status codes",
        "UPDATE_* of every resource, nothing of dropped ones, no cleanup phase",
        module="events",
        test="test_changesets.py::test_events_of_an_update",
    ),
    Gap(
        "DescribeChangeSet with IncludePropertyValues shows values before and after",
        "API reference; the exact shape of contexts is not verified",
        "parameter ignored",
        module="property_values",
        test="test_changesets.py::test_property_values",
    ),
    Gap(
        "a bucket of the account-regional namespace is PREFIX-ACCOUNT-REGION-an",
        "S3 user guide, Namespaces for general purpose buckets",
        "namespace and prefix ignored",
        module="buckets",
        test="test_buckets.py::test_account_regional_name",
    ),
    Gap(
        "lifecycle rules of a stack are the bucket's",
        "AWS::S3::Bucket, LifecycleConfiguration",
        "dropped",
        module="buckets",
        test="test_buckets.py::test_lifecycle",
    ),
    Gap(
        "a request that expects another bucket owner gets 403",
        "S3 user guide, bucket owner condition",
        "header ignored",
        module="buckets",
        test="test_buckets.py::test_expected_owner",
    ),
    Gap(
        "a stack does not delete a bucket with objects: DELETE_FAILED",
        "AWS::S3::Bucket",
        "deleted with its objects",
        module="buckets",
        test="test_buckets.py::test_full_bucket_stays",
    ),
    Gap(
        "a VPC has the attribute CidrBlock",
        "AWS::EC2::VPC, return values",
        "unknown attribute",
        module="network",
        test="test_network.py::test_vpc_cidr",
    ),
    Gap(
        "VPCCidrBlock gives a VPC an IPv6 block, which GetAtt Ipv6CidrBlocks then shows",
        "AWS::EC2::VPCCidrBlock; AWS::EC2::VPC, return values",
        "unknown type",
        module="network",
        test="test_network.py::test_ipv6",
    ),
    Gap(
        "SecurityGroupIngress and SecurityGroupEgress are rules of their group",
        "AWS::EC2::SecurityGroupIngress",
        "unknown types",
        module="network",
        test="test_network.py::test_apart_rules",
    ),
    Gap(
        "EIP, NatGateway and FlowLog are seen by EC2's API, with the stack's tags",
        "AWS::EC2::EIP, NatGateway, FlowLog",
        "unknown types",
        module="network",
        test="test_network.py::test_nat_and_flow_log",
    ),
    Gap(
        "subnets lie in their VPC and do not overlap",
        "EC2 error codes InvalidSubnet.Range, InvalidSubnet.Conflict",
        "accepted",
        module="network",
        test="test_network.py::test_subnet_ranges",
    ),
    Gap(
        "a security group needs a VPC that exists",
        "EC2 error code InvalidVpcID.NotFound",
        "accepted",
        module="network",
        test="test_changesets.py::test_failed_update",
    ),
    Gap(
        "a cluster keeps ServiceConnectDefaults and gets its capacity providers",
        "AWS::ECS::Cluster, AWS::ECS::ClusterCapacityProviderAssociations",
        "dropped; unknown type",
        module="containers",
        test="test_cluster.py::test_cluster",
    ),
    Gap(
        "a RecordSetGroup's records are in the zone",
        "AWS::Route53::RecordSetGroup",
        "unknown type",
        module="dns",
        test="test_cluster.py::test_records",
    ),
    Gap(
        "a record lies in its zone",
        "Route 53 error InvalidChangeBatch",
        "accepted",
        module="dns",
        test="test_cluster.py::test_record_outside",
    ),
    Gap(
        "a request for a load balancer's name or an alias of it reaches the listener of its port",
        "load balancer user guide, Listeners",
        "found in one account and region only, on the first listener",
        module="loadbalancer",
        test="test_cluster.py::test_balanced",
    ),
    Gap(
        "a load balancer spans two zones, an HTTPS listener has a certificate",
        "API reference of CreateLoadBalancer and CreateListener",
        "accepted",
        module="loadbalancer",
        test="test_cluster.py::test_refused_balancer",
    ),
    Gap(
        "ListenerCertificate adds certificates",
        "AWS::ElasticLoadBalancingV2::ListenerCertificate",
        "unknown type",
        module="loadbalancer",
        test="test_cluster.py::test_balanced",
    ),
    Gap(
        "CloudFormation writes a certificate's validation records into its hosted zone",
        "AWS::CertificateManager::Certificate, DomainValidationOption; what it says of a zone that "
        "is wrong is not verified (it waits, then fails)",
        "no records, any zone accepted",
        module="certificates",
        test="test_cluster.py::test_certificate",
    ),
    Gap(
        "a missing export, a duplicate one and other faults may fail the change set itself",
        NOT_VERIFIED,
        "the operation fails",
        consequence="a deployer must understand both; here it only ever sees the operation",
    ),
    Gap(
        "IAM restricts who may deploy: CloudFormation acts with the caller's or the role's rights",
        "user guide, Service role",
        "CloudFormation may do everything; root keys are not even checked",
        consequence="least privilege is proven for run-time roles only, not for deploy roles",
    ),
    Gap(
        "a resource policy is enforced: Lambda::Permission, topic policies",
        "IAM user guide, Identity-based and resource-based policies",
        "ignored",
        consequence="a missing permission is found by tests of the template, not here",
    ),
    Gap(
        "a certificate is issued some minutes after its records are in the zone",
        "ACM user guide, DNS validation",
        "issued at once",
        consequence="that a deploy waits long for it is not seen here",
    ),
    Gap(
        "load balancers, CloudFront and APIs speak TLS",
        "their user guides",
        "plain HTTP on one port; a Host or X-Forwarded-Proto header says which listener is meant",
        consequence="certificates and TLS policies are tested in the template only",
    ),
    Gap(
        "DescribeVpcs and DescribeSubnets show IPv6 blocks",
        "EC2 API reference",
        "only templates see them",
        consequence="ask the stack's outputs",
    ),
    Gap(
        "an ECS service runs its containers",
        "ECS developer guide",
        "RUNNING with nothing behind it",
        consequence="the service layer needs a gap of its own: tasks as processes",
    ),
    Gap(
        "CodePipeline, CodeConnections, Budgets, OIDC providers, scaling policies, X-Ray rules",
        "their type references",
        "unknown types: the change set is refused",
        consequence="the pipeline, sync, service and watch layers need them",
    ),
    Gap(
        "RDS runs PostgreSQL and has MasterUserSecret.SecretArn",
        "AWS::RDS::DBInstance, return values",
        "an address nobody answers; unknown attribute",
        consequence="the database layer needs a gap of its own",
    ),
    Gap(
        "a PostConfirmation trigger is called",
        "Cognito developer guide, Lambda triggers",
        "never called",
        consequence="the users layer needs a gap of its own",
    ),
    Gap(
        "an HTTP API made by a stack has its CORS rules",
        "AWS::ApiGatewayV2::Api, CorsConfiguration",
        "lost by a difference of case",
        consequence="the avatars layer needs a gap of its own",
    ),
    Gap(
        "an HTTP subscription made by a stack is asked to confirm",
        "SNS developer guide, HTTP/HTTPS subscription confirmation",
        "never asked",
        consequence="the service layer needs a gap of its own",
    ),
    Gap(
        "an operation goes on whatever happens to its watcher's machine",
        "-",
        "killed in an update's cleanup phase, it is rolled back though old resources are gone",
        consequence="delete such a stack and deploy it again",
    ),
)


def markdown() -> str:
    """Return the table as docs/embedded-aws.md shows it: closed gaps first, then open ones."""
    closed = [
        f"| {gap.aws} | {gap.source} | {gap.emulator} | `gaps/{gap.module}.py`, `{gap.test}` |"
        for gap in GAPS
        if gap.module
    ]
    still_open = [
        f"| {gap.aws} | {gap.source} | {gap.emulator} | {gap.consequence} |"
        for gap in GAPS
        if not gap.module
    ]
    return "\n".join(
        (
            BEGIN,
            "",
            "### Closed",
            "",
            "| AWS | source | the emulator alone | closed by, shown by |",
            "|---|---|---|---|",
            *closed,
            "",
            "### Open",
            "",
            "| AWS | source | here | mind |",
            "|---|---|---|---|",
            *still_open,
            "",
            END,
        )
    )


def inserted(document: str) -> str:
    """Return *document* with the table between its two marks as it is now."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + markdown() + after
