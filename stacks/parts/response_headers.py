"""Security headers of the responses for the site and its assets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from troposphere import Sub
from troposphere.cloudfront import (
    ContentSecurityPolicy,
    ContentTypeOptions,
    CustomHeader,
    CustomHeadersConfig,
    FrameOptions,
    ReferrerPolicy,
    ResponseHeadersPolicy,
    ResponseHeadersPolicyConfig,
    SecurityHeadersConfig,
    StrictTransportSecurity,
)

from deployer.model import Env, Template, Value
from stacks.avatars import Avatars
from stacks.parts.names import resource_name

YEAR_SECONDS = 365 * 24 * 60 * 60


def site_headers(
    t: Template, env: Env, avatars: Avatars, connect_origins: Sequence[str]
) -> ResponseHeadersPolicy:
    """Allow scripts and styles from the site only, and connections to the APIs and *connect_origins*.

    The hosts of this environment are listed without a scheme, so the scheme of the page applies,
    and with any port, because the emulator does not use port 443.
    """
    return _headers(
        t,
        env,
        "SiteResponseHeaders",
        "site",
        {
            "default-src": ["'none'"],
            "script-src": ["'self'"],
            "style-src": ["'self'"],
            "font-src": ["'self'"],
            "manifest-src": ["'self'"],
            "img-src": ["'self'", "data:", "blob:", f"assets.{env.domain}:*"],
            "connect-src": [
                "'self'",
                f"api.{env.domain}:*",
                "https://cognito-idp.${AWS::Region}.amazonaws.com",
                "https://${AvatarApi}",
                "https://${Uploads}",
                *connect_origins,
            ],
            "base-uri": ["'none'"],
            "form-action": ["'self'"],
            "frame-ancestors": ["'none'"],
        },
        custom={
            "Cross-Origin-Opener-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        },
        AvatarApi=avatars.api_domain,
        Uploads=avatars.upload_bucket_domain,
    )


def assets_headers(t: Template, env: Env) -> ResponseHeadersPolicy:
    """Forbid scripts in images such as SVG, and embedding by pages of other domains."""
    return _headers(
        t,
        env,
        "AssetsResponseHeaders",
        "assets",
        {"default-src": ["'none'"], "frame-ancestors": ["'none'"], "sandbox": []},
        custom={"Cross-Origin-Resource-Policy": "same-site"},
    )


def _headers(
    t: Template,
    env: Env,
    title: str,
    name: str,
    sources: Mapping[str, Sequence[str]],
    *,
    custom: Mapping[str, str],
    **hosts: Any,
) -> ResponseHeadersPolicy:
    """Add a response headers policy; *sources* are the directives of its Content-Security-Policy.

    *hosts* are the values for `${…}` in a source: host names that AWS generates.
    """
    content = "; ".join(" ".join([directive, *allowed]) for directive, allowed in sources.items())
    return t.add_resource(
        ResponseHeadersPolicy(
            f"{title}Policy",
            ResponseHeadersPolicyConfig=ResponseHeadersPolicyConfig(
                Name=resource_name(env, name),
                SecurityHeadersConfig=_security_headers(
                    Sub(content, **hosts) if "${" in content else content
                ),
                CustomHeadersConfig=CustomHeadersConfig(
                    Items=[
                        CustomHeader(Header=header, Value=value, Override=True)
                        for header, value in custom.items()
                    ]
                ),
            ),
        )
    )


def _security_headers(content: Value) -> SecurityHeadersConfig:
    return SecurityHeadersConfig(
        ContentSecurityPolicy=ContentSecurityPolicy(ContentSecurityPolicy=content, Override=True),
        ContentTypeOptions=ContentTypeOptions(Override=True),
        FrameOptions=FrameOptions(FrameOption="DENY", Override=True),
        ReferrerPolicy=ReferrerPolicy(
            ReferrerPolicy="strict-origin-when-cross-origin", Override=True
        ),
        StrictTransportSecurity=StrictTransportSecurity(
            AccessControlMaxAgeSec=YEAR_SECONDS, IncludeSubdomains=True, Override=True
        ),
    )
