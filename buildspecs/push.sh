#!/bin/sh
# Sees that the repository has an image of this commit, and prints its digest.
#
# A tag names the same image for ever, so a commit that has one is not built again: whoever starts
# the pipeline anew releases what was tested then.
#
#   IMAGES   the address of the repository: REGISTRY/NAME
#   COMMIT   the commit, which is the tag

set -eu

main() {
    digest=$(pushed)
    if [ -z "$digest" ]; then
        build_and_push >&2
        digest=$(pushed)
    fi
    case $digest in
        sha256:*) echo "$digest" ;;
        *) fail "$IMAGES:$COMMIT was pushed, and the repository says its digest is '$digest'" ;;
    esac
}

# The digest by which the repository knows the image of this commit; nothing if it has none.
pushed() {
    aws ecr batch-get-image --repository-name "${IMAGES#*/}" --image-ids "imageTag=$COMMIT" \
        --query 'images[].imageId.imageDigest' --output text
}

# Without attestations: they make an index of an image, and ECS is to run what was scanned.
build_and_push() {
    password=$(aws ecr get-login-password)
    echo "$password" | docker login --username AWS --password-stdin "${IMAGES%%/*}"
    BUILDX_NO_DEFAULT_ATTESTATIONS=1 docker build --pull \
        --label "org.opencontainers.image.revision=$COMMIT" --tag "$IMAGES:$COMMIT" backend
    docker push "$IMAGES:$COMMIT"
}

fail() {
    echo "error: $1" >&2
    exit 1
}

main
