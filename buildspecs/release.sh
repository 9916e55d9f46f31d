#!/bin/sh
# One step of a release besides ECS: release.sh migrate|record

set -eu

case $1 in
    migrate) sh ./inv db.migrate ;;
    record) sh ./inv service.record --image="$IMAGE_DIGEST" ;;
    *)
        echo "error: $1 is no step: migrate or record" >&2
        exit 1
        ;;
esac
