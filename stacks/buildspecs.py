"""The buildspecs of the pipeline's CodeBuild projects: the commands that each stage runs.

They are part of the projects, which only an administrator deploys, so a commit cannot change them.
`./inv` is code of the commit: what it can do in a stage is limited by the role of the project.

Every command is one line, because CodeBuild checks the exit status of the last line only. A
longer script is written to a file outside the source first. There is no `post_build`: CodeBuild
runs that phase even after `build` has failed.
"""

from __future__ import annotations

from collections.abc import Sequence

SCRIPT = "/tmp/stage.sh"  # noqa: S108  A build container has one build and no other users.

TEST = ("sh ./inv check", "sh ./inv test")

# Exit status 2 of `./inv plan` means that the plan has changes.
PLAN_SCRIPT = """\
code=0
sh ./inv plan --release || code=$?
[ "$code" -eq 0 ] || [ "$code" -eq 2 ] || exit "$code"
"""
PLAN = (f"sh -eu {SCRIPT}",)

INFRASTRUCTURE = ("sh ./inv deploy --release --yes",)
MIGRATE = ("sh ./inv db.migrate",)
RECORD_IMAGE = ('sh ./inv service.record --image="$IMAGE_DIGEST"',)
VERIFY_SERVICE = ("sh ./inv service.verify",)
UPDATE_SERVICE_STACK = ("sh ./inv deploy --release --yes --stack=service --only",)

# Variables: REPOSITORY_URI (REGISTRY/NAME); CONTAINER, the container that runs the image; COMMIT;
# CODEBUILD_BUILD_NUMBER, which CodeBuild counts for each project.
#
# The tag is new for each build, and the digest is the one that this push returned, so an existing
# image of the repository is never released instead of the built one.
# Every image needs a digest: the base of a stage, and those from which COPY and RUN take files.
# docker login runs after docker build, so no command of the Dockerfile can read the password.
# docker runs git to find the revision of backend/, and git runs programs that a config file of the
# commit names (any folder with HEAD, objects/ and refs/ is a repository). With GIT_DIR set to
# /dev/null git finds no repository.
# Attestations are disabled: with them docker pushes an image index, and ECS must run the image that
# was scanned.
IMAGE_SCRIPT = """\
# Build the image of the commit, push it, and write its digest and the definitions for ECS.
grep -i "^[[:space:]]*FROM[[:space:]]" backend/Dockerfile > /tmp/bases
stages=" scratch "
while read -r _ base as stage _; do
    case "$stages" in *" $base "*) base="stage@sha256:" ;; esac # An earlier stage was checked.
    case $base in
        *@sha256:*) ;;
        *)
            echo "error: backend/Dockerfile: FROM $base has no digest" >&2
            echo "hint: write FROM IMAGE@sha256:DIGEST" >&2
            exit 1
            ;;
    esac
    case $as in [Aa][Ss]) stages="$stages$stage " ;; esac
done < /tmp/bases
tr "[:space:]," "\\n" < backend/Dockerfile | sed -n "s/^.*from=//p" > /tmp/sources
while read -r source; do
    case "${stages}shared " in *" $source "*) source="stage@sha256:" ;; esac
    case $source in
        *@sha256:*) ;;
        *)
            echo "error: backend/Dockerfile: from=$source has no digest" >&2
            echo "hint: write from=IMAGE@sha256:DIGEST" >&2
            exit 1
            ;;
    esac
done < /tmp/sources

image="$REPOSITORY_URI:$COMMIT-$CODEBUILD_BUILD_NUMBER"
export GIT_DIR=/dev/null
BUILDX_NO_DEFAULT_ATTESTATIONS=1 docker build --pull \\
    --label "org.opencontainers.image.revision=$COMMIT" --tag "$image" \\
    --build-context shared=lambdas/shared backend
password=$(aws ecr get-login-password)
echo "$password" | docker login --username AWS --password-stdin "${REPOSITORY_URI%%/*}"
docker push "$image"
pushed=$(docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$image")
digest=$(printf '%s\\n' "$pushed" | sed -n "s|^$REPOSITORY_URI@\\(sha256:[0-9a-f]*\\)\\$|\\1|p")
case $digest in
    sha256:*) ;;
    *)
        echo "error: $image: docker reports no digest of the pushed image" >&2
        exit 1
        ;;
esac
echo "$digest" > /tmp/image.digest
rm -f imagedefinitions.json # The commit may have a link of this name.
printf '[{"name": "%s", "imageUri": "%s@%s"}]\\n' "$CONTAINER" "$REPOSITORY_URI" "$digest" \\
    > imagedefinitions.json
"""
IMAGE = (f"sh -eu {SCRIPT}", 'export IMAGE_DIGEST="$(cat /tmp/image.digest)"')

# Variables: CRUDDUR_ENV; STACK_PREFIX, the prefix of every stack name; REGIONS; MANUAL_STACKS, the
# stacks that only an administrator deploys; STACK_QUERY, the JMESPath expression for the stacks.
#
# The script runs no code of the commit: it reads the stacks and their templates from AWS, and uses
# the files of build/ as data. `cat -v` escapes all characters but printable ASCII; otherwise a
# template could overwrite or reorder previous lines on the screen. Each line of a template begins
# with `+`, `-` or a space; otherwise it could look like a heading. `--text` compares a template
# with a NUL character as text.
DIFF_SCRIPT = """\
# Print how the templates in build/ of the commit differ from the deployed ones.
changed=0
seen=" "

visible() {
    LC_ALL=C cat -v
}

compare() {
    file="build/$CRUDDUR_ENV/$3.yaml"
    echo "=== $1 ($2)"
    if [ -L "$file" ] || [ ! -f "$file" ]; then
        echo "the commit has no template for this stack"
        changed=$((changed + 1))
        return
    fi
    template=$(aws cloudformation get-template --region "$2" --stack-name "$1" \\
        --template-stage Original --query TemplateBody --output text)
    printf '%s\\n' "$template" > /tmp/deployed.yaml
    code=0
    diff -u --text --label deployed --label commit /tmp/deployed.yaml "$file" > /tmp/changes || code=$?
    [ "$code" -le 1 ] || exit "$code"
    [ "$code" -eq 0 ] || changed=$((changed + 1))
    if [ "$code" -eq 0 ]; then echo unchanged; else visible < /tmp/changes; fi
}

for region in $REGIONS; do
    names=$(aws cloudformation describe-stacks --region "$region" --query "$STACK_QUERY" --output text)
    for name in $names; do
        [ "$name" != None ] || continue # The AWS CLI prints it for a page without stacks.
        stack=${name#"$STACK_PREFIX"}
        seen="$seen$stack "
        case " $MANUAL_STACKS " in *" $stack "*) continue ;; esac
        compare "$name" "$region" "$stack"
    done
done

for file in "build/$CRUDDUR_ENV"/*.yaml; do
    stack=$(basename "$file" .yaml)
    case " $MANUAL_STACKS " in *" ${stack%%.*} "*) continue ;; esac
    case "$seen" in *" $stack "*) continue ;; esac
    shown=$(printf '%s' "$stack" | LC_ALL=C tr -c 'A-Za-z0-9._-' '?')
    case $stack in
        *.*) echo "=== $shown: nested template" ;; # Its URL in the outer template has its digest.
        *) echo "=== $STACK_PREFIX$shown: new" && changed=$((changed + 1)) ;;
    esac
    [ -L "$file" ] || visible < "$file" | awk '{ print "+" $0 }'
done
echo "$changed templates differ"
"""
DIFF = (f"sh -eu {SCRIPT}",)


def buildspec(
    commands: Sequence[str],
    *,
    script: str = "",
    python: bool = False,
    exported: str = "",
    artifact: str = "",
) -> str:
    """Return a buildspec that runs *commands*, in order, until one fails.

    *script* is written to the file SCRIPT first. *exported* is a variable for later actions of the
    pipeline, *artifact* the file that is the output artifact.
    """
    lines = ["version: 0.2"]
    if exported:
        lines += ["env:", "  exported-variables:", f"    - {exported}"]
    lines.append("phases:")
    if python:
        lines += ["  install:", "    on-failure: ABORT"]
        lines += ["    runtime-versions:", "      python: 3.13"]
    lines += ["  build:", "    on-failure: ABORT", "    commands:"]
    if script:
        heredoc = [f"cat > {SCRIPT} <<'END_OF_SCRIPT'", *script.splitlines(), "END_OF_SCRIPT"]
        lines += ["      - |", *(f"        {line}".rstrip() for line in heredoc)]
    for command in commands:
        lines += ["      - >-", f"        {command}"]
    if artifact:
        lines += ["artifacts:", "  files:", f"    - {artifact}"]
    return "\n".join(lines) + "\n"
