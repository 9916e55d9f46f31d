"""Find the policy documents in the properties of resources.

A test compares DOCUMENTS with every resource type in the registry of CloudFormation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from deployer.policy.model import Resource, Templates
from deployer.policy.values import as_list, get, text

Kind: TypeAlias = Literal["identity", "trust", "resource", "endpoint"]

# For each kind: the resource types without AWS::, and the path of the document in the properties.
# A path may lead through lists. Inline policies of roles, groups and users have names: see _INLINE.
DOCUMENTS: Mapping[Kind, Sequence[str]] = {
    "identity": (
        "IAM::GroupPolicy PolicyDocument",
        "IAM::ManagedPolicy PolicyDocument",
        "IAM::Policy PolicyDocument",
        "IAM::RolePolicy PolicyDocument",
        "IAM::UserPolicy PolicyDocument",
        "IoT::Policy PolicyDocument",
        "SSO::PermissionSet InlinePolicy",
    ),
    "trust": ("IAM::Role AssumeRolePolicyDocument",),
    "endpoint": ("EC2::VPCEndpoint PolicyDocument",),
    "resource": (
        "AIOps::InvestigationGroup InvestigationGroupPolicy",
        "APS::ResourcePolicy PolicyDocument",
        "ApiGateway::DomainNameV2 Policy",
        "ApiGateway::RestApi Policy",
        "Backup::BackupVault AccessPolicy",
        "Backup::LogicallyAirGappedBackupVault AccessPolicy",
        "Bedrock::KnowledgeBasePolicy PolicyDocument",
        "Bedrock::ResourcePolicy PolicyDocument",
        "BedrockAgentCore::ResourcePolicy Policy",
        "CloudTrail::ResourcePolicy ResourcePolicy",
        "CodeArtifact::Domain PermissionsPolicyDocument",
        "CodeArtifact::Repository PermissionsPolicyDocument",
        "DSQL::Cluster PolicyDocument",
        "DynamoDB::GlobalTable Replicas ReplicaStreamSpecification ResourcePolicy PolicyDocument",
        "DynamoDB::GlobalTable Replicas ResourcePolicy PolicyDocument",
        "DynamoDB::Table ResourcePolicy PolicyDocument",
        "DynamoDB::Table StreamSpecification ResourcePolicy PolicyDocument",
        "ECR::PublicRepository RepositoryPolicyText",
        "ECR::RegistryPolicy PolicyText",
        "ECR::Repository RepositoryPolicyText",
        "ECR::RepositoryCreationTemplate RepositoryPolicy",
        "EFS::FileSystem FileSystemPolicy",
        "Elasticsearch::Domain AccessPolicies",
        "EventSchemas::RegistryPolicy Policy",
        "Events::EventBus Policy",
        "Events::EventBusPolicy",  # The properties themselves have the Statement.
        "EventsV2::ResourcePolicy PolicyDocument",
        "FSx::S3AccessPointAttachment S3AccessPoint Policy",
        "KMS::Key KeyPolicy",
        "KMS::ReplicaKey KeyPolicy",
        "Kinesis::ResourcePolicy ResourcePolicy",
        "Lambda::ResourcePolicy PolicyDocument",
        "Logs::DeliveryDestination DeliveryDestinationPolicy DeliveryDestinationPolicy",
        "Logs::Destination DestinationPolicy",
        "Logs::LogGroup ResourcePolicyDocument",
        "Logs::ResourcePolicy PolicyDocument",
        "MSK::ClusterPolicy Policy",
        "MediaPackageV2::ChannelPolicy Policy",
        "MediaPackageV2::OriginEndpointPolicy Policy",
        "MediaStore::Container Policy",
        "MediaTailor::ChannelPolicy Policy",
        "OSIS::Pipeline ResourcePolicy Policy",
        "Oam::Sink Policy",
        "Omics::SequenceStore S3AccessPolicy",
        "OpenSearchService::Domain AccessPolicies",
        "PaymentCryptography::Key Policy",
        "RUM::AppMonitor ResourcePolicy PolicyDocument",
        "Redshift::Cluster NamespaceResourcePolicy",
        "RedshiftServerless::Namespace NamespaceResourcePolicy",
        "S3::AccessPoint Policy",
        "S3::BucketPolicy PolicyDocument",
        "S3::MultiRegionAccessPointPolicy Policy",
        "S3Express::AccessPoint Policy",
        "S3Express::BucketPolicy PolicyDocument",
        "S3Files::FileSystemPolicy Policy",
        "S3ObjectLambda::AccessPointPolicy PolicyDocument",
        "S3Outposts::AccessPoint Policy",
        "S3Outposts::BucketPolicy PolicyDocument",
        "S3Tables::TableBucketPolicy ResourcePolicy",
        "S3Tables::TablePolicy ResourcePolicy",
        "SMSVOICE::ResourcePolicy PolicyDocument",
        "SNS::TopicInlinePolicy PolicyDocument",
        "SNS::TopicPolicy PolicyDocument",
        "SQS::QueueInlinePolicy PolicyDocument",
        "SQS::QueuePolicy PolicyDocument",
        "SSM::ResourcePolicy Policy",
        "SageMaker::ModelPackageGroup ModelPackageGroupPolicy",
        "SecretsManager::ResourcePolicy ResourcePolicy",
        "VpcLattice::AuthPolicy Policy",
        "VpcLattice::ResourcePolicy Policy",
        "XRay::ResourcePolicy PolicyDocument",
    ),
}
_INLINE = ("IAM::Role", "IAM::Group", "IAM::User")


def documents(templates: Templates, kind: Kind) -> Iterator[tuple[Resource, Any, str]]:
    """Yield each policy document of this *kind* with its resource and, if it has one, its name."""
    for type_, *path in map(str.split, DOCUMENTS[kind]):
        for owner in templates.of_type(type_):
            for document in _values(owner.properties, path):
                yield owner, document, ""
    if kind == "identity":
        for owner in templates.of_type(*_INLINE):
            for policy in as_list(owner.get("Policies")):
                yield owner, get(policy, "PolicyDocument"), text(get(policy, "PolicyName"))


def _values(value: Any, path: Sequence[str]) -> Iterator[Any]:
    """Yield each value at *path*, which may lead through lists."""
    if not path:
        yield value
        return
    for item in as_list(value):
        yield from _values(get(item, path[0]), path[1:])
