"""The CloudFront function of the site: it redirects www. and rewrites the paths of pages."""

from __future__ import annotations

from troposphere import cloudfront

from deployer.model import Env, Template
from stacks.parts.names import resource_name

# A path without a file extension is a page of the application, for which index.html is served. The
# paths of RFC 8615 (/.well-known/) are not pages. A handle may contain a dot, but the path of a
# user's page begins with @.
SITE_FUNCTION = """\
function handler(event) {
  const request = event.request;
  const host = request.headers.host.value;
  if (host.startsWith('www.')) {
    const location = 'https://' + host.slice(4) + request.uri + query(request.querystring);
    return {
      statusCode: 301,
      statusDescription: 'Moved Permanently',
      headers: { location: { value: location } }
    };
  }
  const last = request.uri.split('/').pop();
  const isFile = last.includes('.') && !last.startsWith('@');
  if (!isFile && !request.uri.startsWith('/.well-known/')) {
    request.uri = '/index.html';
  }
  return request;
}

// Keys and values are still encoded here.
function query(parameters) {
  const pairs = [];
  Object.keys(parameters).forEach((key) => {
    (parameters[key].multiValue || [parameters[key]]).forEach((parameter) => {
      pairs.push(parameter.value === '' ? key : key + '=' + parameter.value);
    });
  });
  return pairs.length ? '?' + pairs.join('&') : '';
}
"""


def site_function(t: Template, env: Env) -> cloudfront.Function:
    """Add the function, for the event viewer-request of the distribution of the site."""
    return t.add_resource(
        cloudfront.Function(
            "SiteFunction",
            Name=resource_name(env, "site"),
            AutoPublish=True,
            FunctionCode=SITE_FUNCTION,
            FunctionConfig=cloudfront.FunctionConfig(
                Comment="Redirects www. to the domain, and rewrites pages to index.html",
                Runtime="cloudfront-js-2.0",
            ),
        )
    )
