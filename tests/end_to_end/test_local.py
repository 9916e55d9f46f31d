"""`local` uses only the emulator and does not read the user's AWS settings."""

from __future__ import annotations

import sys

from tests.end_to_end.checkout import COMPLETE

CONFIG = """
[default]
region = eu-west-1
endpoint_url = http://127.0.0.1:9
credential_process = touch "{marker}"

[profile mine]
region = eu-west-1
services = elsewhere
role_arn = arn:aws:iam::333333333333:role/Admin
source_profile = default

[services elsewhere]
cloudformation =
  endpoint_url = http://127.0.0.1:9
"""
NOWHERE = "http://127.0.0.1:9"
SET = {
    "AWS_PROFILE": "mine",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ENDPOINT_URL": NOWHERE,
    "AWS_ENDPOINT_URL_CLOUDFORMATION": NOWHERE,
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SESSION_TOKEN": "mine",
    "AWS_CA_BUNDLE": "/nonexistent",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "HTTP_PROXY": NOWHERE,
    "http_proxy": NOWHERE,
    "ALL_PROXY": NOWHERE,
}


def test_aws_settings_of_the_user_are_ignored(tiny):
    """Profiles, keys, proxies, endpoints, credential processes and service models have no effect."""
    marker = tiny.home / "read"
    aws = tiny.home / ".aws"
    (aws / "models/cloudformation/2010-05-15").mkdir(parents=True)
    (aws / "models/cloudformation/2010-05-15/service-2.json").write_text("{")
    (aws / "config").write_text(CONFIG.format(marker=marker))
    (aws / "credentials").write_text("[mine]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n")
    (tiny.home / ".boto").write_text("[nonsense")
    before = sorted(tiny.home.rglob("*"))
    (tiny.path / ".venv").symlink_to(sys.prefix)  # The bundled AWS CLI is there.

    tiny.run("deploy", **SET, AWS_MAX_ATTEMPTS="nonsense")
    shown = tiny.shell(
        "".join(f"export {name}='{value}'\n" for name, value in SET.items())
        + 'eval "$(invoke emulator.env)"\naws sts get-caller-identity --query Arn --output text'
    )

    assert tiny.stacks() == COMPLETE
    assert shown == "arn:aws:iam::000000000000:root\n"
    assert not marker.exists()
    assert before == sorted(tiny.home.rglob("*"))
