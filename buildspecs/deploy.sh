#!/bin/sh
# One step of the pipeline that asks CloudFormation: deploy.sh plan|infrastructure|settle

set -eu

CHANGES=2 # What `./inv plan` ends with when there is something to do: no failure here.

main() {
    case $1 in
        plan) plan ;;
        infrastructure) sh ./inv deploy --release --yes ;;
        settle) sh ./inv deploy --release --yes --stack=service --only ;;
        *) fail "$1 is no step: plan, infrastructure or settle" ;;
    esac
}

plan() {
    code=0
    sh ./inv plan --release || code=$?
    [ "$code" -eq "$CHANGES" ] || return "$code"
}

fail() {
    echo "error: $1" >&2
    exit 1
}

main "$@"
