"""Images for the emulator, which runs them without Docker.

context.py      the files of a build context, without those that git or .dockerignore ignores
dockerfile.py   reads the final stage of a Dockerfile
oci.py          the image: a layer with the files, a configuration and a manifest
registry.py     finds and pushes images with the API of ECR
local.py        builds the image of the backend with these modules, and pushes it
"""
