#!/bin/sh
# Prints what the pipeline's ECS action reads: which image the container of the service gets.
#
#   IMAGES, IMAGE_DIGEST   the image, by what is in it
#   CONTAINER              the container

set -eu

printf '[{"name": "%s", "imageUri": "%s@%s"}]\n' "$CONTAINER" "$IMAGES" "$IMAGE_DIGEST"
