"""What browsers are told of the site and its pictures: whom to trust, and with what."""

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


def of_site(
    t: Template, env: Env, avatars: Avatars, also_connects_to: Sequence[str]
) -> ResponseHeadersPolicy:
    """Scripts and styles are the site's own files, and it talks to nobody but those named.

    A host without a scheme has that of the page, and a port: the emulator has its own.
    """
    return _headers(
        t,
        env,
        "Site",
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
                *also_connects_to,
            ],
            "base-uri": ["'none'"],
            "form-action": ["'self'"],
            "frame-ancestors": ["'none'"],
        },
        others={
            "Cross-Origin-Opener-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        },
        AvatarApi=avatars.api_domain,
        Uploads=avatars.uploads_domain,
    )


def of_pictures(t: Template, env: Env) -> ResponseHeadersPolicy:
    """A picture does nothing, whatever is in it, and only pages of this domain show it."""
    return _headers(
        t,
        env,
        "Picture",
        {"default-src": ["'none'"], "frame-ancestors": ["'none'"], "sandbox": []},
        others={"Cross-Origin-Resource-Policy": "same-site"},
    )


def _headers(
    t: Template,
    env: Env,
    title: str,
    sources: Mapping[str, Sequence[str]],
    *,
    others: Mapping[str, str],
    **hosts: Any,
) -> ResponseHeadersPolicy:
    """The headers of every answer: *sources* are what may be loaded, and from where.

    *hosts* are those that AWS names, for `${…}` in a source.
    """
    content = "; ".join(" ".join([directive, *said]) for directive, said in sources.items())
    return t.add_resource(
        ResponseHeadersPolicy(
            f"{title}Headers",
            ResponseHeadersPolicyConfig=ResponseHeadersPolicyConfig(
                Name=resource_name(env, title.lower()),
                SecurityHeadersConfig=_security_headers(
                    Sub(content, **hosts) if "${" in content else content
                ),
                CustomHeadersConfig=CustomHeadersConfig(
                    Items=[
                        CustomHeader(Header=header, Value=value, Override=True)
                        for header, value in others.items()
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
