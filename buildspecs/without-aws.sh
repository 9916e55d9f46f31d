#!/bin/sh
# Runs a command that shall know nothing of the account it runs in: without-aws.sh COMMAND…
# Tests have an embedded AWS of their own, and what they bring along needs no rights.

set -eu

for name in $(env | sed -n 's/^\(AWS_[A-Z0-9_]*\)=.*/\1/p'); do
    unset "$name"
done
exec "$@"
