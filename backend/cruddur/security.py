"""Headers of all responses: CORS for exact origins, and the security headers of a JSON API."""

from __future__ import annotations

from flask import Flask, Response, request

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-site",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "Vary": "Origin",
    "X-Content-Type-Options": "nosniff",
}
_ALLOWED_METHODS = "GET, HEAD, POST, PUT, DELETE, OPTIONS"
_ALLOWED_HEADERS = "Authorization, Content-Type, Traceparent, Tracestate"
_EXPOSED_HEADERS = "Retry-After, X-Request-Id"
_PREFLIGHT_SECONDS = "7200"  # The maximum of Chromium.


def install(app: Flask, origins: frozenset[str]) -> None:
    """Add headers to every response of *app*; only pages of *origins* may read them."""

    @app.after_request
    def add_headers(response: Response) -> Response:
        headers = response.headers
        headers.extend(_HEADERS)
        origin = request.headers.get("Origin")
        if origin in origins:
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = _EXPOSED_HEADERS
            if request.method == "OPTIONS":
                headers["Access-Control-Allow-Methods"] = _ALLOWED_METHODS
                headers["Access-Control-Allow-Headers"] = _ALLOWED_HEADERS
                headers["Access-Control-Max-Age"] = _PREFLIGHT_SECONDS
        return response
