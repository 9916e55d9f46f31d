"""The stack names of the original system, for which the error about --stack suggests the current name."""

from __future__ import annotations

STACK_ALIASES = {
    "acm": "dns",
    "auth": "users",
    "avatar": "avatars",
    "backend": "service",
    "cicd": "pipeline",
    "cloudfront": "cdn",
    "cognito": "users",
    "CrdCicd": "pipeline",
    "CrdCluster": "cluster",
    "CrdDb": "database",
    "CrdDdb": "messages",
    "CrdFrontend": "cdn",
    "CrdNet": "network",
    "CrdSrvBackendFlask": "service",
    "CrdSyncRole": "site-publisher",
    "db": "database",
    "ddb": "messages",
    "dynamodb": "messages",
    "ecr": "registry",
    "frontend": "cdn",
    "net": "network",
    "networking": "network",
    "rds": "database",
    "route53": "dns",
    "thumbing": "avatars",
}
