"""Build the missing zips of Lambda functions, several concurrently.

    built = build(Code(root), environment.artifacts, root / "dist")

A zip gets its final name after all checks passed: compiled code is for the target, all imports of
the handler are available, and the sizes are within Lambda's limits. `unchecked` lists the checks that are
not possible on this machine.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from deployer import symlinks
from deployer.artifacts import Artifact, Code, checks, sources, zip_cache, zip_files
from deployer.artifacts.install import install, packaged_requirements
from deployer.artifacts.problems import Problem, combined_error
from deployer.errors import BuildError, DeployError


@dataclass(frozen=True)
class BuiltZip:
    """A zip that passed the checks; *cached* if it existed before. Sizes are in bytes.

    *unchecked* describes the check that was not possible on this machine, if there is one.
    """

    artifact: Artifact
    path: Path
    sha256: str
    size: int
    unzipped: int
    cached: bool
    unchecked: str = ""


def path_of(artifact: Artifact, dist: Path) -> Path:
    """Return the path of the zip of *artifact*."""
    return dist / artifact.key


def build(
    code: Code, artifacts: Iterable[Artifact], dist: Path, *, jobs: int | None = None
) -> tuple[BuiltZip, ...]:
    """Return the zips of *artifacts* below *dist*, in the order of *artifacts*.

    Build *jobs* zips concurrently, by default two per core. If some cannot be built, build the
    others and raise BuildError with all problems. Concurrent builds, in threads or processes, are
    safe: the second build of a zip waits for the first one and uses its result.
    """
    if jobs is not None and jobs < 1:
        raise BuildError(
            f"--jobs={jobs}: nothing would be built", hint="pass a number of at least 1"
        )
    unique = tuple(dict.fromkeys(artifacts))
    workers = jobs or 2 * (os.cpu_count() or 1)  # uv and zlib do not block other threads.
    with ThreadPoolExecutor(workers) as pool:
        try:
            results = list(pool.map(lambda artifact: _attempt(code, artifact, dist), unique))
        except BaseException:
            pool.shutdown(cancel_futures=True)  # Wait for the builds that are running.
            raise
    failed = [result for result in results if isinstance(result, DeployError)]
    if failed:
        raise combined_error(BuildError, [Problem(error.message, error.hint) for error in failed])
    return tuple(result for result in results if isinstance(result, BuiltZip))


def summary_line(built: BuiltZip) -> str:
    """Return *built* as a line of a table; MB are millions of bytes."""
    name, target = built.artifact.name, str(built.artifact.target)
    sizes = f"{built.size / 1e6:6.2f} MB, {built.unzipped / 1e6:6.2f} MB unzipped"
    state = "cached" if built.cached else "built"
    return f"{name:18} {target:26} {sizes}  {state:9}  {built.artifact.key}"


def unchecked(zips: Iterable[BuiltZip]) -> Iterator[str]:
    """Yield a line for each check that was not possible, with the functions that it affects."""
    names: dict[str, list[str]] = {}
    for built in zips:
        if built.unchecked:
            names.setdefault(built.unchecked, []).append(built.artifact.name)
    for fact, functions in names.items():
        yield f"not checked: {', '.join(functions)}: {fact}"


def _attempt(code: Code, artifact: Artifact, dist: Path) -> BuiltZip | DeployError:
    try:
        return _build(code, artifact, path_of(artifact, dist), dist)
    except DeployError as error:
        return error
    except OSError as error:  # An error of the disk below dist/: sources were read before.
        place = error.filename or path_of(artifact, dist)
        hint = "free disk space, or make the folder writable; no incomplete zip is left"
        return BuildError(f"{place}: {error.strerror}", hint=hint)


def _build(code: Code, artifact: Artifact, path: Path, dist: Path) -> BuiltZip:
    symlinks.refuse(path.parent, dist.parent)
    if record := zip_cache.load(path):
        os.utime(path)  # Mark it as recently used: zip_cache.add removes the least recently used.
        return _result(artifact, path, record, cached=True)
    with zip_cache.locked(path.parent) as drafts:
        if record := zip_cache.load(path):
            return _result(artifact, path, record, cached=True)
        record = _create(code, artifact, drafts, path)
        return _result(artifact, path, record, cached=False)


def _create(code: Code, artifact: Artifact, drafts: Path, path: Path) -> zip_cache.ZipRecord:
    inputs = _sources(code, artifact)
    draft = drafts / "packed.zip"
    packages: Mapping[str, bytes] = {}
    if packages_zip := _packages(artifact, inputs, drafts, path.parent):
        packages = zip_files.Contents(packages_zip)
        shutil.copyfile(packages_zip, draft)
    _refuse(checks.contents(artifact, inputs.files, packages))
    record = zip_cache.write(inputs.tree, draft)
    _refuse(checks.sizes(artifact, record))
    imported = checks.import_handler(artifact, inputs.files, draft, drafts)
    _refuse(imported.problems)
    record = replace(record, unchecked=imported.unchecked)
    zip_cache.add(draft, record, path)
    return record


def _packages(
    artifact: Artifact, inputs: sources.Sources, drafts: Path, folder: Path
) -> Path | None:
    """Return the zip of the required packages, created if it is missing; None without packages."""
    lock = packaged_requirements(inputs)
    if not lock:
        return None
    digest = sources.Sources({}, lock.encode()).digest(artifact.target.facts)
    path = folder / f"{zip_cache.PACKAGES}{digest}.zip"
    if not zip_cache.load(path):
        tree = install(artifact.name, lock, artifact.target, drafts / "packages")
        _refuse(checks.compiled(artifact, tree.files))
        draft = drafts / path.name
        zip_cache.add(draft, zip_cache.write(tree, draft), path)
    os.utime(path)  # Mark it as recently used: zip_cache.add removes the least recently used.
    return path


def _sources(code: Code, artifact: Artifact) -> sources.Sources:
    """Return the sources; raise BuildError if their digest is no longer that of the artifact."""
    gathered_sources = sources.gather(code.root, artifact.name)
    if gathered_sources.digest(artifact.target.facts) != artifact.digest:
        place = f"{sources.LAMBDAS}/{artifact.name}"
        raise BuildError(f"{place}: changed during the build", hint="rerun the command")
    return gathered_sources


def _refuse(problems: Iterable[Problem]) -> None:
    if all_problems := list(problems):
        raise combined_error(BuildError, all_problems)


def _result(
    artifact: Artifact, path: Path, record: zip_cache.ZipRecord, *, cached: bool
) -> BuiltZip:
    sizes = (record.size, record.unzipped)
    return BuiltZip(
        artifact, path, record.sha256, *sizes, cached=cached, unchecked=record.unchecked
    )
