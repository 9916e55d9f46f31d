"""The final stage of a Dockerfile."""

from __future__ import annotations

import pytest

from deployer.errors import ConfigError
from operations.images.dockerfile import Copy, Stage, final_stage

DOCKERFILE = """\
# syntax=docker/dockerfile:1
ARG VERSION=3.13
FROM python:${VERSION}@sha256:0 AS build
WORKDIR /build
COPY requirements.txt .
RUN pip install \\
    --require-hashes \\
    # A comment between continued lines.
    -r requirements.txt

FROM python:${VERSION}@sha256:0
ARG FOLDER=/app
ENV PYTHONUNBUFFERED=1 PATH="/venv/bin:$PATH"
ENV APP_HOME ${FOLDER}
WORKDIR $APP_HOME
COPY --from=build /venv /venv
COPY --chown=1000:1000 cruddur/ cruddur/
COPY --from=shared tokens.py shared/
COPY ["a b.py", "bin/x", "./"]
ADD --checksum=sha256:0 https://example.com/ca.pem /etc/ca.pem
RUN <<EOF
CMD ["not this"]
EOF
USER 1000
EXPOSE 4567
HEALTHCHECK CMD bin/health-check
CMD ["gunicorn", "--config", "gunicorn.conf.py"]
"""


def test_final_stage() -> None:
    """Only the final stage counts; its variables are expanded, and its paths are absolute."""
    assert final_stage("backend/Dockerfile", DOCKERFILE) == Stage(
        variables={
            "PYTHONUNBUFFERED": "1",
            "PATH": "/venv/bin:$PATH",
            "APP_HOME": "/app",
        },
        folder="/app",
        command=("gunicorn", "--config", "gunicorn.conf.py"),
        copies=(
            Copy(17, ("cruddur/",), "/app/cruddur/"),
            Copy(18, ("tokens.py",), "/app/shared/", "shared"),
            Copy(19, ("a b.py", "bin/x"), "/app/"),
        ),
        packages_folder="/venv",
    )


def test_entrypoint() -> None:
    """An entry point removes the command of an earlier line, as in docker."""
    stage = final_stage("D", 'FROM x\nCMD ["a"]\nENTRYPOINT ["b"]\n')

    assert (stage.entrypoint, stage.command) == (("b",), ())


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "D: has no FROM"),
        ("FROM x\n", "D: the final stage has no CMD"),
        ("FROM x\nCMD run it\n", "D:2: CMD is not a JSON array of strings"),
        ("FROM x\nADD files /app/\nCMD []\n", "D:2: the emulator does not support ADD"),
        (
            'FROM x AS a\nFROM y\nCOPY --from=a /v /v\nCOPY --from=a /w /w\nCMD ["x"]\n',
            "D:4: a second folder is copied from an earlier stage",
        ),
    ],
)
def test_errors(text: str, error: str) -> None:
    """The error about an unsupported instruction names the line of the instruction."""
    with pytest.raises(ConfigError) as raised:
        final_stage("D", text)

    assert str(raised.value).startswith(error)
