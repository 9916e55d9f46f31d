"""The table of gaps between AWS and the emulator, and how docs/emulator.md shows it."""

from __future__ import annotations

from dataclasses import dataclass

BEGIN = "<!-- The table below is made by `python -m emulator.patches`. -->"
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
        module="cloudformation.replacements",
        test="patches/cloudformation/test_change_sets.py::test_replacement",
    ),
    Gap(
        "names that a template does not have are refused before anything is made",
        "serverless/serverless#4745, serverless-plugin-split-stacks#150",
        "accepted",
        module="cloudformation.template_references",
        test="patches/cloudformation/test_templates.py::test_refused",
    ),
    Gap(
        "a circular dependency is refused before anything is made",
        "CloudFormation user guide, Troubleshooting",
        "failed when executed",
        module="cloudformation.template_references",
        test="patches/cloudformation/test_templates.py::test_refused",
    ),
    Gap(
        "an export's name must not depend on resources",
        "aws-cloudformation/cfn-lint#1632",
        "accepted",
        module="cloudformation.template_references",
        test="patches/cloudformation/test_templates.py::test_refused",
    ),
    Gap(
        "a region has its own zones: ca-central-1 a, b, d; us-east-1 a to f",
        "EC2 user guide, Regions and Zones; the letters of an account are not verified",
        "a, b, c everywhere",
        module="ec2.availability_zones",
        test="patches/cloudformation/test_templates.py::test_zones",
    ),
    Gap(
        "an update that changes or drops an export in use is rolled back and says who uses it",
        "user guide, Fn::ImportValue; aws-samples/generative-ai-use-cases#1232",
        "accepted",
        module="cloudformation.exports",
        test="patches/cloudformation/test_exports.py::test_used_export_stays",
    ),
    Gap(
        "an export that is dropped is gone",
        "user guide, Outputs",
        "stayed in ListExports",
        module="cloudformation.exports",
        test="patches/cloudformation/test_exports.py::test_unused_export_goes",
    ),
    Gap(
        "an export name has one stack",
        "user guide, Outputs; aws-amplify/amplify-cli#1581",
        "the second stack took it over",
        module="cloudformation.exports",
        test="patches/cloudformation/test_exports.py::test_one_owner",
    ),
    Gap(
        "an import of what nobody exports fails with “No export named … found”",
        "aws-cloudformation-templates#263; which event carries it is not verified",
        "failed in other words",
        module="cloudformation.exports",
        test="patches/cloudformation/test_exports.py::test_missing_export",
    ),
    Gap(
        "DeleteStack of an exporter in use is accepted, then canceled: the stack stays as it was",
        "user guide; rlister/stax#40, aws-samples/iam-identity-center-team#474",
        "the call was refused",
        module="cloudformation.exports",
        test="patches/cloudformation/test_exports.py::test_delete_while_used",
    ),
    Gap(
        "ListImports names every stack that imports, whatever became of its last update",
        "API reference",
        "only stacks whose status ends in _COMPLETE",
        module="cloudformation.exports",
        test="patches/cloudformation/test_exports.py::test_import",
    ),
    Gap(
        "a stack whose creation rolled back takes no change set, of either type",
        "rails-lambda/lamby#132 (update); create is not verified",
        "accepted",
        module="cloudformation.change_sets",
        test="patches/cloudformation/test_change_sets.py::test_failed_create",
    ),
    Gap(
        "a stack in the middle of an operation takes no change set",
        "“is in UPDATE_IN_PROGRESS state and can not be updated”, common knowledge",
        "accepted",
        module="cloudformation.change_sets",
        test="patches/cloudformation/test_change_sets.py::test_in_operation",
    ),
    Gap(
        "a stack in the middle of an update is not deleted",
        "“cannot be deleted while in status …”, common knowledge",
        "deleted under the update",
        module="cloudformation.change_sets",
        test="patches/cloudformation/test_change_sets.py::test_delete_in_operation",
    ),
    Gap(
        "executing what cannot be executed names the status that forbids it",
        "localstack test_delete_change_set_exception; aws/amazon-chime-sdk-js#1089",
        "other words",
        module="cloudformation.change_sets",
        test="patches/cloudformation/test_change_sets.py::test_nothing_to_do",
    ),
    Gap(
        "a change of outputs alone is a change",
        NOT_VERIFIED,
        "FAILED, “didn't contain changes”",
        module="cloudformation.change_sets",
        test="patches/cloudformation/test_change_sets.py::test_outputs_alone",
    ),
    Gap(
        "a second change set for a stack in review is for the same stack id",
        NOT_VERIFIED,
        "a new stack took the name",
        module="cloudformation.change_sets",
        test="patches/cloudformation/test_change_sets.py::test_review_keeps_its_id",
    ),
    Gap(
        "the change sets of a stack are listed by its id as well as by its name",
        "API reference, ListChangeSets",
        "by id there were none",
        module="cloudformation.change_sets",
        test="patches/cloudformation/test_change_sets.py::test_listed_by_id",
    ),
    Gap(
        "a stack in review has no tags: they are those of its change set until that is executed",
        "localstack/localstack#13117, whose test ran on AWS",
        "the stack had them at once",
        module="cloudformation.change_sets",
        test="patches/cloudformation/test_change_sets.py::test_untagged_in_review",
    ),
    Gap(
        "a template in S3 is found by virtual-hosted and path-style addresses, with region or not",
        "S3 user guide, Methods for accessing a bucket",
        "path-style only",
        module="cloudformation.template_urls",
        test="patches/cloudformation/test_templates.py::test_template_url",
    ),
    Gap(
        "a template in S3 is read in the version that its URL names",
        "user guide, Selecting a stack template",
        "the newest version",
        module="cloudformation.template_urls",
        test="patches/cloudformation/test_templates.py::test_template_version",
    ),
    Gap(
        "an update tells only of resources it touches; new ones are CREATE_*, dropped ones DELETE_*",
        "user guide, View stack events and Stack status codes",
        "UPDATE_* of every resource, nothing of dropped ones, no cleanup phase",
        module="cloudformation.resource_events",
        test="patches/cloudformation/test_change_sets.py::test_events_of_an_update",
    ),
    Gap(
        "DescribeChangeSet with IncludePropertyValues shows values before and after",
        "API reference; the exact shape of contexts is not verified",
        "parameter ignored",
        module="cloudformation.property_values",
        test="patches/cloudformation/test_change_sets.py::test_property_values",
    ),
    Gap(
        "a bucket of the account-regional namespace is PREFIX-ACCOUNT-REGION-an",
        "S3 user guide, Namespaces for general purpose buckets",
        "namespace and prefix ignored",
        module="s3.buckets",
        test="patches/s3/test_buckets.py::test_account_regional_name",
    ),
    Gap(
        "lifecycle rules of a stack are the bucket's",
        "AWS::S3::Bucket, LifecycleConfiguration",
        "dropped",
        module="s3.buckets",
        test="patches/s3/test_buckets.py::test_lifecycle",
    ),
    Gap(
        "a request that expects another bucket owner gets 403",
        "S3 user guide, bucket owner condition",
        "header ignored",
        module="s3.buckets",
        test="patches/s3/test_buckets.py::test_expected_owner",
    ),
    Gap(
        "a request by a presigned URL has no x-amz-* header that was not signed",
        "S3 API reference, Authenticating requests: using query parameters",
        "accepted",
        module="s3.presigned",
        test="patches/s3/test_buckets.py::test_unsigned_header",
    ),
    Gap(
        "a stack does not delete a bucket with objects: DELETE_FAILED",
        "AWS::S3::Bucket",
        "deleted with its objects",
        module="s3.buckets",
        test="patches/s3/test_buckets.py::test_full_bucket_stays",
    ),
    Gap(
        "a VPC has the attribute CidrBlock",
        "AWS::EC2::VPC, return values",
        "unknown attribute",
        module="ec2.network",
        test="patches/ec2/test_network.py::test_vpc_cidr",
    ),
    Gap(
        "VPCCidrBlock gives a VPC an IPv6 block, which GetAtt Ipv6CidrBlocks then shows",
        "AWS::EC2::VPCCidrBlock; AWS::EC2::VPC, return values",
        "unknown type",
        module="ec2.network",
        test="patches/ec2/test_network.py::test_ipv6",
    ),
    Gap(
        "SecurityGroupIngress and SecurityGroupEgress are rules of their group",
        "AWS::EC2::SecurityGroupIngress",
        "unknown types",
        module="ec2.network",
        test="patches/ec2/test_network.py::test_apart_rules",
    ),
    Gap(
        "EIP, NatGateway and FlowLog are seen by EC2's API, with the stack's tags",
        "AWS::EC2::EIP, NatGateway, FlowLog",
        "unknown types",
        module="ec2.network",
        test="patches/ec2/test_network.py::test_nat_and_flow_log",
    ),
    Gap(
        "subnets lie in their VPC and do not overlap",
        "EC2 error codes InvalidSubnet.Range, InvalidSubnet.Conflict",
        "accepted",
        module="ec2.network",
        test="patches/ec2/test_network.py::test_subnet_ranges",
    ),
    Gap(
        "a security group needs a VPC that exists",
        "EC2 error code InvalidVpcID.NotFound",
        "accepted",
        module="ec2.network",
        test="patches/cloudformation/test_change_sets.py::test_failed_update",
    ),
    Gap(
        "a cluster keeps ServiceConnectDefaults and gets its capacity providers",
        "AWS::ECS::Cluster, AWS::ECS::ClusterCapacityProviderAssociations",
        "dropped; unknown type",
        module="ecs.clusters",
        test="patches/test_cluster.py::test_cluster",
    ),
    Gap(
        "a RecordSetGroup's records are in the zone",
        "AWS::Route53::RecordSetGroup",
        "unknown type",
        module="route53",
        test="patches/test_cluster.py::test_records",
    ),
    Gap(
        "a record lies in its zone",
        "Route 53 error InvalidChangeBatch",
        "accepted",
        module="route53",
        test="patches/test_cluster.py::test_record_outside",
    ),
    Gap(
        "a request for a load balancer's name or an alias of it reaches the listener of its port",
        "load balancer user guide, Listeners",
        "found in one account and region only, on the first listener",
        module="elb",
        test="patches/test_cluster.py::test_balanced",
    ),
    Gap(
        "a load balancer spans two zones, an HTTPS listener has a certificate",
        "API reference of CreateLoadBalancer and CreateListener",
        "accepted",
        module="elb",
        test="patches/test_cluster.py::test_refused_balancer",
    ),
    Gap(
        "ListenerCertificate adds certificates",
        "AWS::ElasticLoadBalancingV2::ListenerCertificate",
        "unknown type",
        module="elb",
        test="patches/test_cluster.py::test_balanced",
    ),
    Gap(
        "CloudFormation writes a certificate's validation records into its hosted zone",
        "AWS::CertificateManager::Certificate, DomainValidationOption; what it says of a zone that "
        "is wrong is not verified (it waits, then fails)",
        "no records, any zone accepted",
        module="acm",
        test="patches/test_cluster.py::test_certificate",
    ),
    Gap(
        "a request for a distribution's name or alias is answered by it, over TLS if it says so",
        "CloudFront developer guide, Use custom URLs, Require HTTPS",
        "by its own name only, in the default account",
        module="cloudfront.distributions",
        test="patches/cloudfront/test_distributions.py::test_names",
    ),
    Gap(
        "the bucket's policy decides what CloudFront reads; a missing object is 404 to who may list",
        "CloudFront developer guide, Restrict access to an Amazon S3 origin; GetObject, Permissions",
        "a missing object was always 403",
        module="cloudfront.distributions",
        test="patches/cloudfront/test_distributions.py::test_bucket_policy",
    ),
    Gap(
        "an origin group asks its second origin when the first fails",
        "CloudFront developer guide, origin failover",
        "502",
        module="cloudfront.distributions",
        test="patches/cloudfront/test_distributions.py::test_origin_group",
    ),
    Gap(
        "CloudFront Functions are run: at viewer-request and viewer-response, without modules",
        "CloudFront developer guide, CloudFront Functions event structure",
        "a Node process that somebody has to install",
        module="cloudfront.edge_functions",
        test="patches/cloudfront/test_distributions.py::test_edge_functions",
    ),
    Gap(
        "a function is given names and values of the query as the viewer has sent them, encoded",
        "KensioSoftware/yulin#1024; itamarwe/fpv-drone-strikes-lebanon-dataset#17",
        "decoded: a redirect that keeps the query would break it here alone",
        module="cloudfront.distributions",
        test="patches/cloudfront/test_distributions.py::test_query",
    ),
    Gap(
        "a distribution names only policies, functions and origins that exist, "
        "and aliases that its certificate covers and no other distribution has",
        "API reference of CreateDistribution, Errors; the words for functions are not verified",
        "accepted",
        module="cloudfront.distribution_checks",
        test="patches/cloudfront/test_distributions.py::test_refused",
    ),
    Gap(
        "a bucket has the encryption, ownership, versioning and tags its stack gives it",
        "AWS::S3::Bucket; that a dropped versioning is suspended is not verified",
        "dropped; versioning could not be suspended",
        module="s3.bucket_settings",
        test="patches/s3/test_buckets.py::test_settings",
    ),
    Gap(
        "a public bucket policy is refused where the bucket blocks public policies",
        "S3 user guide, Blocking public access",
        "accepted from a stack",
        module="s3.bucket_settings",
        test="patches/s3/test_buckets.py::test_public_policy",
    ),
    Gap(
        "a bucket notifies only functions and topics whose own policy lets S3 call them",
        "S3 user guide, Granting permissions to publish event notification messages",
        "functions and a topic's default policy were taken for a yes",
        module="lambda_.permissions",
        test="patches/lambda_/test_permissions.py::test_notification",
    ),
    Gap(
        "a policy that denies what did not come over TLS lets in what did",
        "IAM user guide, aws:SecureTransport; that plain HTTP is denied is tested in the template only",
        "denied everybody but the account itself, since there is no TLS here",
        module="iam.secure_transport",
        test="patches/lambda_/test_permissions.py::test_tls",
    ),
    Gap(
        "an HTTP API invokes a function or an authorizer only with a Lambda::Permission: 500 without",
        "API Gateway developer guide, Troubleshooting issues with HTTP API Lambda integrations",
        "invoked",
        module="lambda_.permissions",
        test="patches/lambda_/test_permissions.py::test_http_api",
    ),
    Gap(
        "an HTTP API made by a stack has its CORS rules",
        "AWS::ApiGatewayV2::Api, CorsConfiguration; that a foreign origin gets 403 is not verified",
        "lost by a difference of case",
        module="apigateway",
        test="patches/lambda_/test_permissions.py::test_cors",
    ),
    Gap(
        "a function without its code object, or with a role Lambda may not assume, fails",
        "API reference of CreateFunction, InvalidParameterValueException; the words are those of "
        "aws/serverless-application-model#1089 and of many a forum",
        "made; it answered “Mock response”",
        module="lambda_.functions",
        test="patches/lambda_/test_functions.py::test_refused",
    ),
    Gap(
        "a function keeps its network, dead-letter queue, key and reserved concurrency",
        "AWS::Lambda::Function",
        "dropped",
        module="lambda_.functions",
        test="patches/lambda_/test_functions.py::test_kept",
    ),
    Gap(
        "unknown, missing and impossible properties fail the resource (such as a bogus runtime)",
        "resource provider schemas; aws-cloudformation/cloudformation-coverage-roadmap has the words",
        "accepted",
        module="cloudformation.resource_properties",
        test="patches/cloudformation/test_templates.py::test_properties",
    ),
    Gap(
        "a name belongs to one resource: a second stack that wants it fails",
        "user guide, Name type; only names that stacks gave are known here",
        "the second stack took it over",
        module="cloudformation.resource_names",
        test="patches/cloudformation/test_templates.py::test_taken_name",
    ),
    Gap(
        "a subscription made by a stack is asked to confirm, and pending until it does",
        "SNS developer guide, HTTP/HTTPS subscription confirmation; Email notifications",
        "webhooks were never asked, addresses confirmed at once",
        module="sns",
        test="patches/test_sns.py::test_webhook",
    ),
    Gap(
        "SNS messages are signed, in the version the topic names",
        "SNS developer guide, Verifying the signatures of Amazon SNS messages",
        "Signature was “FAKE”; here SigningCertURL is at the emulator's own address",
        module="sns",
        test="patches/test_sns.py::test_webhook",
    ),
    Gap(
        "who confirms needs the code from the letter; each letter has its own",
        "Cognito developer guide, Signing up and confirming user accounts",
        "123456 for everybody; the letters are shown by `emulator.letters`",
        module="cognito",
        test="patches/test_cognito.py::test_confirmation",
    ),
    Gap(
        "a PostConfirmation trigger is called, and its failure is the caller's",
        "Cognito developer guide, Post confirmation Lambda trigger; it is tried once here",
        "never called",
        module="cognito",
        test="patches/test_cognito.py::test_failing_trigger",
    ),
    Gap(
        "a pool is found by its client without credentials, in whatever account it is",
        "API reference of SignUp: it is not authenticated",
        "in the default account only",
        module="cognito",
        test="patches/test_cognito.py::test_srp",
    ),
    Gap(
        "a pool has ProviderURL, a client RefreshTokenRotation; a protected pool is not deleted",
        "AWS::Cognito::UserPool, return values; AWS::Cognito::UserPoolClient",
        "unknown attribute; dropped; deleted",
        module="cognito",
        test="patches/test_cognito.py::test_pool",
    ),
    Gap(
        "a stack's table is checked like a caller's, and keeps recovery, expiry and encryption",
        "AWS::DynamoDB::Table; API reference of CreateTable",
        "unused attributes and taken names accepted, settings dropped",
        module="dynamodb",
        test="patches/test_dynamodb.py::test_refused",
    ),
    Gap(
        "a table with deletion protection is not deleted by its stack",
        "DynamoDB developer guide, Using deletion protection",
        "deleted",
        module="dynamodb",
        test="patches/test_dynamodb.py::test_protected",
    ),
    Gap(
        "an instance of engine postgres is a PostgreSQL that answers where its endpoint says, "
        "also when a call made it",
        "AWS::RDS::DBInstance, return values",
        "an address nobody answers",
        module="rds",
        test="test_database.py::test_stack",
    ),
    Gap(
        "RDS manages the master password in a secret `rds!db-…`, and turns what it is told to",
        "RDS user guide, Password management with Secrets Manager",
        "attribute MasterUserSecret.SecretArn unknown, no secret",
        module="rds",
        test="test_database.py::test_stack",
    ),
    Gap(
        "the master user is no superuser; rds_superuser and rds_iam exist; nobody is rdsadmin",
        "RDS user guide, Understanding PostgreSQL roles and permissions; details not verified",
        "no roles",
        module="rds",
        test="test_database.py::test_master",
    ),
    Gap(
        "the endpoint's certificate stands up to verify-full; rds.force_ssl decides on plain ones",
        "RDS user guide, Using SSL with a PostgreSQL DB instance",
        "no TLS",
        module="rds",
        test="test_database.py::test_tls",
    ),
    Gap(
        "members of rds_iam log in with a token, never with a password: its signature, its age, "
        "whom it is for and rds-db:connect of who signed it are checked",
        "RDS user guide, IAM database authentication",
        "tokens of MySQL only",
        module="rds",
        test="test_database.py::test_policy",
    ),
    Gap(
        "an update keeps address and data, a replacement is a new database",
        "AWS::RDS::DBInstance, “Update requires”",
        "no data; another Port in the template changed the endpoint",
        module="rds",
        test="test_database.py::test_life",
    ),
    Gap(
        "deletion protection keeps an instance from its stack too: DELETE_FAILED",
        "RDS user guide, Deleting a DB instance; words from reports",
        "deleted by its stack",
        module="rds",
        test="test_database.py::test_protected",
    ),
    Gap(
        "RDS refuses short passwords, reserved users, too little storage, unknown groups, parameter "
        "groups of another family, and subnet groups in one zone",
        "API reference of CreateDBInstance and CreateDBSubnetGroup; some words not verified",
        "accepted",
        module="rds",
        test="test_database.py::test_refused",
    ),
    Gap(
        "a function's processes are its own, and end with it",
        "Lambda developer guide, Lambda execution environment",
        "a function of the same name in another account killed them; deleted ones lived on",
        module="lambda_.functions",
        test="patches/lambda_/test_functions.py::test_workers",
    ),
    Gap(
        "a function finds the standard library, its own zip and boto3 with what that needs; "
        "its environment is Lambda's and what its stack gives it",
        "Lambda developer guide, Working with .zip file archives for Python functions; "
        "Lambda environment variables",
        "all that is installed beside the emulator, the checkout, and the emulator's environment: "
        "an incomplete zip worked",
        module="lambda_.workers",
        test="patches/lambda_/test_functions.py::test_alone",
    ),
    Gap(
        "programs in a function's zip can be run",
        "Lambda keeps the modes of a zip's files; not verified on AWS",
        "lost: PermissionError",
        module="lambda_.workers",
        test="patches/lambda_/test_functions.py::test_programs",
    ),
    Gap(
        "a response of more than 6 MB is refused, not returned",
        "Lambda quotas, Invocation payload; the message is not verified",
        "returned; an endless one filled the memory",
        module="lambda_.workers",
        test="test_isolated_processes.py::test_endless_output",
    ),
    Gap(
        "a zip of more than 250 MB unzipped is refused",
        "Lambda quotas, Deployment package size",
        "unzipped, if a stack named it",
        module="lambda_.functions",
        test="patches/lambda_/test_functions.py::test_zip_bomb",
    ),
    Gap(
        "OIDC providers and budgets are seen by the API of their services",
        "AWS::IAM::OIDCProvider, AWS::Budgets::Budget",
        "unknown types",
        module="recorded",
        test="patches/test_recorded.py::test_made",
    ),
    Gap(
        "connections, pipelines, scaling targets and policies, X-Ray rules and groups are seen by "
        "the reading calls of their services",
        "their type references",
        "unknown types and services",
        module="recorded_calls",
        test="patches/test_recorded.py::test_recorded",
    ),
    Gap(
        "a nested stack that fails is rolled back, and the one above says which and why",
        "user guide, Split a template into reusable pieces using nested stacks",
        "what was made of it stayed; a change of it lost the attributes of what did not change",
        module="cloudformation.nested_stacks",
        test="patches/cloudformation/test_nested_stacks.py::test_a_creation_that_fails_leaves_nothing",
    ),
    Gap(
        "the event of a nested stack that failed has its id, and names only which resources failed",
        "nag5623 in serverless/serverless#7593; aditmalik-synechron/serverless-nested-stack#2",
        "no id, and the reason of the resource",
        module="cloudformation.nested_stacks",
        test="patches/cloudformation/test_nested_stacks.py::test_a_failure_names_the_nested_stack_and_what_failed_in_it",
    ),
    Gap(
        "IncludeNestedStacks creates a change set for each nested stack, at any depth",
        "API reference, CreateChangeSet, DescribeChangeSet and ResourceChange; user guide, Change "
        "sets for nested stacks",
        "parameter ignored",
        module="cloudformation.nested_change_sets",
        test="patches/cloudformation/test_nested_change_sets.py::test_each_nested_stack_has_a_change_set",
    ),
    Gap(
        "with it, a nested stack that was changed by hand is listed and restored, with the same URL",
        NOT_VERIFIED,
        "FAILED, “didn't contain changes”",
        module="cloudformation.nested_change_sets",
        test="patches/cloudformation/test_nested_change_sets.py::test_what_was_changed_by_hand_is_a_change",
    ),
    Gap(
        "a nested change set without changes fails alone; any other failure fails the root, which "
        "names its ARN",
        "aws-amplify/amplify-cli#14764; aws/copilot-cli#4426",
        "no such change sets",
        module="cloudformation.nested_change_sets",
        test="patches/cloudformation/test_nested_change_sets.py::test_a_nested_failure_fails_the_root",
    ),
    Gap(
        "nested change sets are executed and deleted only through the root",
        "user guide, Change sets for nested stacks; the message of the refusal is not verified",
        "no such change sets",
        module="cloudformation.nested_change_sets",
        test="patches/cloudformation/test_nested_change_sets.py::test_only_the_root_is_executed_or_deleted",
    ),
    Gap(
        "nested stacks created by a change set are in review, and are deleted with it",
        "user guide, Change sets for nested stacks",
        "no such stacks",
        module="cloudformation.nested_change_sets",
        test="patches/cloudformation/test_nested_change_sets.py::test_what_was_in_review_goes_with_the_root",
    ),
    Gap(
        "a list of stacks says which are nested, and in which",
        "API reference, Stack (ParentId, RootId)",
        "not said",
        module="cloudformation.nested_stacks",
        test="patches/cloudformation/test_nested_stacks.py::test_made",
    ),
    Gap(
        "a policy allows change sets of a stack, and for a role that CloudFormation takes (RoleArn)",
        "service authorization reference, CloudFormation",
        "a change set was of no stack, and the condition was never true",
        module="iam.conditions",
        test="patches/iam/test_conditions.py::test_role_of_a_change_set",
    ),
    Gap(
        "a policy allows change sets by name (ChangeSetName)",
        "service authorization reference, CloudFormation; not verified for a call that has an ARN",
        "the condition was never true",
        module="iam.conditions",
        test="patches/iam/test_conditions.py::test_name_of_a_change_set",
    ),
    Gap(
        "the log streams of a group are resources below it: log-group:NAME:*",
        "service authorization reference, CloudWatch Logs, PutLogEvents",
        "a stream had the ARN of its group, without the end",
        module="iam.conditions",
        test="patches/iam/test_conditions.py::test_log_streams_of_a_group",
    ),
    Gap(
        "a policy allows writes only if no object has the key (s3:if-none-match)",
        "S3 user guide, Enforce conditional writes",
        "the condition was never true",
        module="iam.conditions",
        test="patches/iam/test_conditions.py::test_write_of_a_new_object",
    ),
    Gap(
        "a CodeBuild project has a limit for its queue, and a place for its logs",
        "CodeBuild API reference, Project",
        "dropped",
        module="codebuild",
        test="patches/cloudformation/test_nested_stacks.py::test_projects",
    ),
    Gap(
        "a task definition and a service are all that their stack says of them",
        "AWS::ECS::TaskDefinition, AWS::ECS::Service",
        "secrets, health checks and volumes lost by a difference of case; platform, Service Connect, "
        "exec and grace period dropped",
        module="ecs.services",
        test="patches/ecs/test_services.py::test_kept",
    ),
    Gap(
        "registering a target brings the count of its service into the range",
        "API reference of RegisterScalableTarget",
        "unknown service; the count stayed",
        module="ecs.services",
        test="patches/ecs/test_services.py::test_count",
    ),
    Gap(
        "nobody finds a deleted service or a deregistered task definition by its tags",
        "not verified",
        "found for ever",
        module="ecs.services",
        test="patches/ecs/test_services.py::test_forgotten",
    ),
    Gap(
        "DescribeImages of an image that is not there is refused",
        "API reference of DescribeImages, ImageNotFoundException",
        "an empty list",
        module="ecr",
        test="patches/ecs/test_services.py::test_unknown_image",
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
        "CloudFormation and root keys have all permissions",
        consequence="least privilege is proven for run-time roles only, not for deploy roles",
    ),
    Gap(
        "a certificate is issued some minutes after its records are in the zone",
        "ACM user guide, DNS validation",
        "issued at once",
        consequence="that a deploy waits long for it is not seen here",
    ),
    Gap(
        "a function's role is asked when Lambda writes its log, follows a stream, leaves a failure in "
        "a queue or joins a network; S3 says 403 of what is gone to who may not list the bucket",
        "Lambda developer guide, Execution role; GetObject, Permissions",
        "Lambda does all that itself; S3 says 404",
        consequence="these rights are not proven here: test_least_privilege.py names each of them",
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
        consequence="that an image starts, and one that does not is taken back, is not seen here",
    ),
    Gap(
        "RDS runs the version that was asked for, upgrades it when told to, and listens on its port",
        "AWS::RDS::DBInstance, EngineVersion, Port",
        "16 or 18 (the log says which), or the machine's own by setting; 127.0.0.1, a free port "
        "that is kept",
        consequence="take address and port from the outputs; a major upgrade is not tried here",
    ),
    Gap(
        "RDS has dozens of extensions and sorts text as en_US.UTF-8 does",
        "RDS for PostgreSQL release notes",
        "the bundled one has plpgsql, and vector for superusers; text is sorted by code point",
        consequence="no uuid-ossp, no pgcrypto: gen_random_uuid(); name a collation where order "
        "matters",
    ),
    Gap(
        "parameters of a parameter group are the server's",
        "RDS user guide, Working with parameter groups",
        "only rds.force_ssl is; its default is that of the family",
        consequence="no other parameter is tried here",
    ),
    Gap(
        "a snapshot holds data; one can be restored; UpdateReplacePolicy takes one as well",
        "RDS user guide, Restoring to a DB instance; user guide, UpdateReplacePolicy",
        "a record, on deletion only; restoring and replicas are refused; no backups",
        consequence="data of a deleted or replaced instance is gone here",
    ),
    Gap(
        "an instance is `creating` and `deleting` for minutes, and can be stopped",
        "API reference of CreateDBInstance, StopDBInstance",
        "calls answer when it is done, within two seconds; a stopped one goes on running",
        consequence="that a deploy waits long for it is not seen here",
    ),
    Gap(
        "security groups, subnets and PubliclyAccessible decide who reaches a database",
        "RDS user guide, Working with a DB instance in a VPC",
        "everybody on this machine, nobody else",
        consequence="reachability is tested in the template only",
    ),
    Gap(
        "TLS reaches PostgreSQL itself: channel binding, direct TLS of version 17, pg_stat_ssl, "
        "the client's address",
        "PostgreSQL's manual",
        "it ends in the front; SCRAM goes through it without channel binding",
        consequence="channel_binding=require and sslnegotiation=direct fail here",
    ),
    Gap(
        "a master user who is given rds_iam needs a token too; the managed secret is rotated "
        "weekly and cannot be deleted by hand",
        "RDS user guide, IAM database authentication; Password management with Secrets Manager",
        "members of rds_superuser always have their password; the secret is one like others",
        consequence="give rds_iam to other users; read the secret each time",
    ),
    Gap(
        "RDS runs wherever the template is deployed from",
        "-",
        "PostgreSQL refuses to run as root: root gives it a user namespace, which only Linux has, "
        "and Docker forbids by default",
        consequence="there, run as somebody else; no fsync: a power cut may lose data",
    ),
    Gap(
        "pipelines run, connections are completed, services scale, X-Ray samples, budgets alert",
        "their user guides",
        "kept and shown only: a connection stays PENDING, a pipeline never runs",
        consequence="what they do is for an AWS account; permissions of their calls are not checked",
    ),
    Gap(
        "CloudFront caches, compresses, blocks by WAF or country, checks signed URLs, runs "
        "Lambda@Edge, speaks only the TLS and HTTP versions it is told",
        "CloudFront developer guide",
        "never: every answer comes fresh from the origin, uncompressed; an invalidation is recorded",
        consequence="cache policies, TTLs and what an invalidation must name are for an AWS account",
    ),
    Gap(
        "a CloudFront function knows ES 5.1 and some of ES 6 to 12, and modules such as cloudfront",
        "CloudFront developer guide, JavaScript runtime 2.0 features",
        "QuickJS knows all of ES 2023 and no module; a quarter of a second instead of a measured share",
        consequence="newer language features pass here and fail there; `import` fails here",
    ),
    Gap(
        "an HTTP API proxies to HTTP addresses (HTTP_PROXY), and to cookies as a list",
        "API Gateway developer guide, HTTP integrations",
        "not tried",
        consequence="no layer uses it; the API's routes are Lambda functions",
    ),
    Gap(
        "refresh tokens rotate: each use gives a new one and voids the old after a while",
        "Cognito developer guide, Refresh token rotation",
        "the setting is kept and shown, GetTokensFromRefreshToken gives no new one",
        consequence="a client that must keep the new token is tested elsewhere",
    ),
    Gap(
        "Cognito limits wrong codes and sign-ins, and expires codes after 24 hours (1 for passwords)",
        "Cognito developer guide, Quotas",
        "never",
        consequence="nothing here shows what a person under attack sees",
    ),
    Gap(
        "a policy with an action or principal that does not exist is refused",
        "IAM error MalformedPolicyDocument, S3 error MalformedPolicy",
        "accepted",
        consequence="cfn-lint (W3037, E3510) and the policy rules find it in the template",
    ),
    Gap(
        "whoever asks for several parameters at once needs the right to each of them",
        "Service Authorization Reference, AWS Systems Manager, GetParameters",
        "the right to all: who may read some is refused",
        consequence="tests/stacks/test_pipeline.py holds which the pipeline may read",
    ),
    Gap(
        "a function has only its configured memory, and in a VPC only the network that its "
        "security groups allow",
        "Lambda developer guide, Configure Lambda function memory; VPC networking",
        "memory is not limited; the machine's network is shared",
        consequence="a function that needs more memory, or the internet, passes here",
    ),
    Gap(
        "S3 accepts an object of 5 GB in one call",
        "S3 user guide, Uploading objects",
        "256 MB, since a body is held in memory",
        consequence="use a multipart upload for larger ones",
    ),
    Gap(
        "SNS tries again for an hour when a webhook does not answer, and passes credentials in URLs",
        "SNS developer guide, Message delivery retries",
        "posted once",
        consequence="a webhook that was down misses the message here",
    ),
    Gap(
        "an operation goes on whatever happens to its watcher's machine",
        "-",
        "killed in an update's cleanup phase, it is rolled back though old resources are gone",
        consequence="delete such a stack and deploy it again",
    ),
)


def markdown() -> str:
    """Return the table as docs/emulator.md shows it: closed gaps first, then open ones."""
    closed = [
        f"| {gap.aws} | {gap.source} | {gap.emulator} | `patches/{gap.module.replace('.', '/')}.py`, `{gap.test}` |"
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
