"""Tests of `site.sync`: full and partial publications, interrupts, errors, and a workflow."""

from __future__ import annotations

import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

import emulator
from tests.emulator_server import REGION
from tests.end_to_end import checkout as checkouts
from tests.end_to_end.checkout import DEV, LOCAL
from tests.viewer import view

STACKS = Path(__file__).parent / "publishing"
SITE = "https://local.example"
PAGE = "<!doctype html><title>Cruddur</title>"
INDEX, ROBOTS, CHUNK = "index.html", "robots.txt", "assets/chunk-A0000000.js"
FILES = 1200
RECORD = ".published.json"
SETTINGS = """
[assets]
noncurrent_version_days = 1
[cdn]
price_class = "PriceClass_100"
noncurrent_version_days = 1
connect_origins = []
access_logs = false
access_log_retention_days = 1
[site_publisher]
repository = "someone/cruddur"
branch = "prod"
oidc_provider = "create"
"""

# Findings of lint because the stacks that import these outputs are missing in the copy.
EXEMPTIONS = """
[[exemption]]
rule = "C001"
stack = "crd-*"
resource = "Outputs.*"
reason = "Stacks that import them are missing here."
date = 2026-11-21

[[exemption]]
rule = "C306"
stack = "crd-*-site-publisher"
resource = "PublisherRole"
reason = "An operator deploys it."
date = 2026-11-21
"""


def publishing(folder):
    """Copy the checkout, with only the stacks of the site."""
    copied = checkouts.tiny(folder)
    stacks = copied.path / "stacks"
    shutil.rmtree(stacks)
    shutil.copytree(checkouts.ROOT / "stacks", stacks)
    for file in STACKS.glob("*.py"):
        shutil.copy(file, stacks)
    (copied.path / "deployer" / "lint" / "exemptions.toml").write_text(EXEMPTIONS)
    for env in ("local", "dev"):
        copied.configure(env)
        file = copied.path / "config" / f"{env}.toml"
        file.write_text(file.read_text().partition("\n[ground]")[0] + SETTINGS)
    return copied


def build(checkout, pictures=1100, chunks=97):
    """Write a site as Vite builds it: names of chunks have a digest, copied files keep their names."""
    dist = checkout.path / "frontend" / "dist"
    for folder in ("assets", "pictures"):
        (dist / folder).mkdir(parents=True)
    (dist / INDEX).write_text(PAGE)
    (dist / ROBOTS).write_text("User-agent: *")
    (dist / "about us é.html").write_text(PAGE)
    (dist / ".DS_Store").write_text("metadata of a folder")
    for number in range(chunks):
        (dist / "assets" / f"chunk-A{number:07}.js").write_text(f"export {number}")
    for number in range(pictures):
        (dist / "pictures" / f"{number}.svg").write_text(f"<svg>{number}</svg>")
    return dist


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    """Yield the deployed stacks of the site, for all tests."""
    copied = publishing(tmp_path_factory.mktemp("site"))
    try:
        copied.run("deploy")
        yield copied
    finally:
        emulator.stop(copied.emulator)


@pytest.fixture
def checkout(deployed):
    """Return the checkout with an empty bucket and without a built site."""
    shutil.rmtree(deployed.path / "frontend", ignore_errors=True)
    s3, bucket = deployed.client("s3"), output(deployed, "SiteBucket")
    while listed := s3.list_objects_v2(Bucket=bucket).get("Contents"):
        keys = [{"Key": item["Key"]} for item in listed]
        s3.delete_objects(Bucket=bucket, Delete={"Objects": keys})
    return deployed


def output(checkout, title, stack="cdn", env="local", account=LOCAL):
    """Return an output of a stack."""
    cloudformation = checkout.client("cloudformation", REGION, account)
    [found] = cloudformation.describe_stacks(StackName=f"crd-{env}-{stack}")["Stacks"]
    return {row["OutputKey"]: row["OutputValue"] for row in found["Outputs"]}[title]


def published(checkout, account=LOCAL, env="local"):
    """Return the names of files in the bucket, without the record of the last publication."""
    bucket = output(checkout, "SiteBucket", env=env, account=account)
    pages = checkout.client("s3", REGION, account).get_paginator("list_objects_v2")
    keys = {
        item["Key"] for page in pages.paginate(Bucket=bucket) for item in page.get("Contents", [])
    }
    return keys - {RECORD}


def built(dist):
    """Return the names of files to publish."""
    files = (path for path in dist.rglob("*") if path.is_file())
    return {file.relative_to(dist).as_posix() for file in files} - {".DS_Store"}


def invalidations(checkout, account=LOCAL, env="local"):
    """Return the paths of all invalidations, oldest first."""
    cloudfront = checkout.client("cloudfront", REGION, account)
    id_ = output(checkout, "SiteDistribution", env=env, account=account)
    listed = cloudfront.list_invalidations(DistributionId=id_)["InvalidationList"]
    return [
        cloudfront.get_invalidation(DistributionId=id_, Id=item["Id"])["Invalidation"][
            "InvalidationBatch"
        ]["Paths"]["Items"]
        for item in listed.get("Items", [])
    ]


def counted(proxy):
    """Return the number of requests by action since the last call."""
    calls = Counter(call.action for call in proxy.calls)
    proxy.calls.clear()
    return calls


def test_only_changed_files_are_uploaded(checkout):
    """All files are uploaded once, then only changed ones, with one invalidation per run.

    Files that were deleted from the folder are deleted from the bucket, except chunks, which
    open pages may still need.
    """
    dist = build(checkout)

    with checkout.recorded_requests() as proxy:
        first, sent = checkout.run("site.sync"), counted(proxy)
        again, reads = checkout.run("site.sync"), counted(proxy)
        (dist / ROBOTS).write_text("User-agent: someone")
        changed, update = checkout.run("site.sync"), counted(proxy)
        shutil.rmtree(dist / "pictures")
        (dist / CHUNK).unlink()
        checkout.run("site.sync", "--dry-run", code=2)
        dry = counted(proxy)
        deleted, deletion = checkout.run("site.sync"), counted(proxy)

    assert sent["PUT"] == FILES + 1  # One more for the record.
    assert first.out.splitlines()[-6:-1] == [
        "1200 to create",
        "uploaded 97 files",
        "uploaded 1101 files",
        "uploaded about us é.html",
        "uploaded index.html",
    ]
    assert first.out.splitlines()[-1].startswith("the site is at http://")
    assert again.out.startswith("hidden  .DS_Store\nnothing to do: 1200 unchanged\nthe site is at")
    assert {"GetCallerIdentity": 2, "DescribeStacks": 2, "GET": 3} == reads == dry
    assert "update  robots.txt\n" in changed.out
    assert reads + Counter(PUT=2, POST=1) == update
    assert reads + Counter(PUT=1, POST=3) == deletion
    assert (
        "1100 to delete, 99 unchanged, 1 unused, kept for open pages; 1 path to in" in deleted.out
    )
    assert invalidations(checkout) == [["/robots.txt"], ["/*"]]
    assert built(dist) | {CHUNK} == published(checkout)


def test_served(checkout):
    """Pages, files and missing files are served with the right status, type, caching and headers."""
    build(checkout, pictures=1, chunks=1)
    checkout.run("site.sync")

    root, deep = (view(checkout.endpoint, f"{SITE}{path}") for path in ("/", "/@anna.b/status/1"))
    script, picture = (view(checkout.endpoint, f"{SITE}/{x}") for x in (CHUNK, "pictures/0.svg"))
    missing = view(checkout.endpoint, f"{SITE}/assets/missing-A0000000.js")

    assert [(response.status, response.body.decode()) for response in (root, deep)] == [
        (200, PAGE)
    ] * 2
    assert (script.status, script.body) == (200, b"export 0")
    assert missing.status == 404
    assert {response.headers["Cache-Control"] for response in (root, deep)} == {"no-cache"}
    assert script.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert picture.headers["Cache-Control"] == "public, max-age=300"
    assert deep.headers["Content-Type"] == "text/html; charset=utf-8"
    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert picture.headers["Content-Type"] == "image/svg+xml"
    for response in (root, deep, script, picture, missing):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert (
            response.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
        )


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(checkout, signal_number):
    """An interrupt ends the run during a blocked request, before any page is uploaded.

    The next run uploads the remaining files.
    """
    dist = build(checkout, pictures=97, chunks=200)

    with checkout.recorded_requests() as proxy:
        proxy.hold("PUT", forward=False)
        with checkout.running("site.sync") as sync:
            assert proxy.held.wait(60)
            while [call.action for call in proxy.calls].count("PUT") < 50:
                time.sleep(0.01)
            code = sync.interrupt(signal_number)
        partial = published(checkout)
        counted(proxy)
        checkout.run("site.sync")
        sent = counted(proxy)
        again = checkout.run("site.sync")

    assert code == 130
    assert 0 < len(partial) < 300
    assert not [key for key in partial if key.endswith(".html")]
    assert 300 - len(partial) + 1 == sent["PUT"]
    assert len(partial) == sent["HEAD"]
    assert built(dist) == published(checkout)
    assert "nothing to do: 300 unchanged" in again.out


@pytest.mark.parametrize(
    ("content", "summary", "sent"),
    [("User-agent: another", "5 unchanged", 0), ("User-agent: *", "1 to update, 4 unchanged", 1)],
    ids=["the same content", "the previous content"],
)
def test_killed_before_the_invalidation(checkout, content, summary, sent):
    """If a run is killed after an upload, the next run invalidates the path of that upload."""
    dist = build(checkout, pictures=1, chunks=1)
    checkout.run("site.sync")
    (dist / ROBOTS).write_text("User-agent: another")
    before = len(invalidations(checkout))

    with checkout.recorded_requests() as proxy:
        proxy.hold("PUT", forward=True)
        with checkout.running_until_killed("site.sync") as sync:
            assert proxy.held.wait(60)
            sync.interrupt(signal.SIGKILL)
        counted(proxy)
        (dist / ROBOTS).write_text(content)
        again, calls = checkout.run("site.sync"), counted(proxy)

    assert f"{summary}; 1 path to invalidate\n" in again.out
    assert sent + 1 == calls["PUT"]  # One more for the record.
    assert invalidations(checkout)[before:] == [["/robots.txt"]]
    assert content == view(checkout.endpoint, f"{SITE}/{ROBOTS}").body.decode()


def test_manual_changes_are_reverted(checkout):
    """Manual changes in the bucket are reverted, and their paths are invalidated.

    The changes are of content, type, caching, additional files and the record of the publication.
    After the reverting run, the next run changes nothing.
    """
    dist = build(checkout, pictures=1, chunks=1)
    checkout.run("site.sync")
    s3, bucket = checkout.client("s3"), {"Bucket": output(checkout, "SiteBucket")}
    original = s3.head_object(**bucket, Key=ROBOTS, ChecksumMode="ENABLED")

    as_built = {"Body": (dist / ROBOTS).read_bytes()}
    as_built |= {fact: original[fact] for fact in ("ContentType", "CacheControl", "ChecksumSHA256")}
    before = len(invalidations(checkout))

    for wrong in ({"Body": b"?"}, {"ContentType": "image/png"}, {"CacheControl": "no-store"}, {}):
        time.sleep(1.01 - time.time() % 1)  # LastModified has whole seconds.
        put = as_built | wrong
        if "Body" in wrong:
            del put["ChecksumSHA256"]
        s3.put_object(**bucket, Key=ROBOTS, **put)
        reverted = checkout.run("site.sync").out
        assert bool(wrong) == ("update  robots.txt\n" in reverted)
        assert "; 1 path to invalidate\n" in reverted
    with checkout.recorded_requests() as proxy:
        again, calls = checkout.run("site.sync"), counted(proxy)
    assert "nothing to do: 5 unchanged\n" in again.out
    assert (calls["GET"], calls["HEAD"], calls["PUT"]) == (2, 0, 0)
    assert invalidations(checkout)[before:] == [["/robots.txt"]] * 4

    s3.put_object(**bucket, Key=RECORD, Body=b"{")
    s3.put_object(**bucket, Key="manual.txt", Body=b"?")
    reverted = checkout.run("site.sync")
    after = s3.head_object(**bucket, Key=ROBOTS, ChecksumMode="ENABLED")
    assert (
        "delete  manual.txt\nhidden  .DS_Store\n1 to delete, 5 unchanged; 6 paths" in reverted.out
    )
    for fact in ("ContentType", "CacheControl", "ChecksumSHA256"):
        assert original[fact] == after[fact]


def test_build_during_sync(checkout):
    """If a build deletes a file during a run, the run ends with one error; the next run succeeds."""
    dist = build(checkout, pictures=1, chunks=500)

    with checkout.recorded_requests() as proxy:
        proxy.hold("PUT", forward=False)
        with checkout.running("site.sync") as sync:
            assert proxy.held.wait(60)
            shutil.rmtree(dist / "assets")
            code = sync.end()
    partial = published(checkout)
    shutil.rmtree(dist)
    build(checkout, pictures=1, chunks=500)
    checkout.run("site.sync")

    assert code == 1
    [error, hint] = sync.printed.splitlines()
    assert error.startswith(f"error: {dist}/assets/chunk-")
    assert error.endswith(".js: No such file or directory")
    assert hint == "hint: build the site again, then rerun this"
    assert INDEX not in partial
    assert built(dist) == published(checkout)


def test_refused(checkout):
    """A folder without index.html is refused, and so are unknown types and symbolic links."""
    missing = checkout.run("site.sync", code=1)
    dist = build(checkout, pictures=1, chunks=1)
    (dist / INDEX).rename(dist / "other.html")
    elsewhere = checkout.run("site.sync", f"--folder={dist / 'assets'}", code=1)
    (dist / "other.html").rename(dist / INDEX)
    (dist / "LICENSE.rst").touch()
    (dist / "link.txt").symlink_to("/etc/passwd")
    unsupported = checkout.run("site.sync", code=1)

    assert "dist: there is no index.html\nhint: build the site, or pass --folder" in missing.err
    assert "there is no index.html" in elsewhere.err
    assert "LICENSE.rst: its content type is unknown" in unsupported.err
    assert "link.txt: is a symbolic link" in unsupported.err
    assert set() == published(checkout)


def test_not_deployed(tmp_path):
    """The error names the stack that is not deployed."""
    copied = publishing(tmp_path)
    build(copied, pictures=1, chunks=1)
    try:
        error = copied.run("site.sync", code=1).err
    finally:
        emulator.stop(copied.emulator)

    assert "crd-local-cdn is not deployed\nhint: run ./inv deploy --stack=cdn --env=" in error


def token(checkout, repository="someone/cruddur", branch="prod", audience="sts.amazonaws.com"):
    """Return a token with the claims that GitHub issues for a workflow."""
    claims = {
        "iss": "https://token.actions.githubusercontent.com",
        "aud": audience,
        "sub": f"repo:{repository}:ref:refs/heads/{branch}",
    }
    return emulator.web_identity_token(checkout.endpoint, claims)


def test_workflow_publishes(deployed):
    """A workflow on the branch can publish the site with its token, and can do nothing else.

    It runs in an AWS account and without a terminal.
    """
    account = emulator.as_account(deployed.endpoint, DEV)
    emulator.create_prerequisites(
        account, emulator.Prerequisites((("Z0DEVEXAMPLE", "dev.example"),))
    )
    shutil.rmtree(deployed.path / "frontend", ignore_errors=True)
    dist = build(deployed, pictures=1, chunks=1)
    deployed.run("synth")
    with deployed.recorded_requests() as proxy:
        env = proxy.variables | {"CRUDDUR_ENV": "dev"}
        root = deployed.root_key(DEV)
        deployed.run("deploy", "--yes", "--skip-preflight", **env, **root)
        role = output(deployed, "Role", "site-publisher", "dev", DEV)
        session = env | assumed(deployed, role, token(deployed))

        unapproved = deployed.run("site.sync", code=3, **session)
        after = published(deployed, DEV, "dev")
        deployed.run("site.sync", "--yes", **session)
        (dist / ROBOTS).unlink()
        deployed.run("site.sync", "--yes", **session)
        denied = deployed.run("status", code=1, **session)

    assert "cannot ask for approval: standard input is not a terminal\nhint: pass" in unapproved.err
    assert set() == after
    assert built(dist) == published(deployed, DEV, "dev")
    assert invalidations(deployed, DEV, "dev") == [["/robots.txt"]]
    assert "AccessDenied" in denied.err
    for other in (
        token(deployed, branch="main"),
        token(deployed, repository="someone/else"),
        token(deployed, repository="someone/cruddur:ref"),
        token(deployed, audience="https://github.com/someone"),
    ):
        with pytest.raises(ClientError, match="Not authorized to perform"):
            assumed(deployed, role, other)


def assumed(checkout, role, token_):
    """Return the credentials of a session of *role* for a web identity token."""
    sts = checkout.client("sts", REGION, DEV)
    credentials = sts.assume_role_with_web_identity(
        RoleArn=role, RoleSessionName="test", WebIdentityToken=token_
    )["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
        "AWS_SESSION_TOKEN": credentials["SessionToken"],
    }
