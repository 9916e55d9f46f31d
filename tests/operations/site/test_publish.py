"""A plan is carried out in order, and the record is written last."""

from types import SimpleNamespace

from operations.site import publish
from operations.site.files import File
from operations.site.plan import PublishedSite, Record, plan

ONE = File("1", "text/html; charset=utf-8", "no-cache")


class RecordingBucket:
    """A bucket that records what is done to it."""

    def __init__(self, actions):
        self.actions = actions

    def put(self, key, body, file):
        self.actions.append(f"put {key}")
        return f"etag of {key}"

    def delete(self, keys):
        self.actions.append(f"delete {', '.join(keys)}")

    def write_record(self, record):
        self.actions.append(f"record {', '.join(record.files)}")


def test_uploads_deletions_invalidation_record():
    """Each step follows the previous one, and is reported."""
    actions = []
    client = SimpleNamespace(
        create_invalidation=lambda **arguments: (
            actions.append(f"invalidate {arguments['InvalidationBatch']['Paths']['Items']}")
            or {"Invalidation": {"Id": "I1"}}
        )
    )
    published = PublishedSite({"old.txt": ONE}, {"old.txt": "etag"}, Record(), frozenset())
    desired = {"index.html": ONE, "a.txt": ONE}
    folder = SimpleNamespace(files=desired, read=lambda key: key.encode())

    lines = list(
        publish.publish(
            plan(desired, published, now=0),
            folder,
            published,
            bucket=RecordingBucket(actions),
            distribution=publish.Distribution(client, "D1"),
        )
    )

    assert actions == [
        "put a.txt",
        "put index.html",
        "delete old.txt",
        "invalidate ['/old.txt']",
        "record a.txt, index.html",
    ]
    assert lines == [
        "uploaded a.txt",
        "uploaded index.html",
        "deleted 1 file",
        "invalidated 1 path: I1",
    ]
