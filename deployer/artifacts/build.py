"""Builds the zips of functions, several at a time, and only those that are not there yet.

    built = build(Code(root), environment.artifacts, root / "dist")

What is under its final name has passed every check: compiled code is for the target, the handler
finds all that it imports, Lambda takes the size. So a check of all functions is a build of them.
What this machine cannot check, `unchecked` tells.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from deployer import symlinks
from deployer.artifacts import Artifact, Code, checks, packing, sources, store
from deployer.artifacts.faults import Fault, told
from deployer.artifacts.install import install, packed
from deployer.errors import BuildError, DeployError


@dataclass(frozen=True)
class Built:
    """A zip, checked and in its place; *cached* if it was there before. Sizes are bytes.

    *unchecked* says what this machine could not check; empty if that is nothing.
    """

    artifact: Artifact
    path: Path
    sha256: str
    size: int
    unzipped: int
    cached: bool
    unchecked: str = ""


def path_of(artifact: Artifact, dist: Path) -> Path:
    """Where the zip of *artifact* is once it is built."""
    return dist / artifact.key


def build(
    code: Code, artifacts: Iterable[Artifact], dist: Path, *, jobs: int | None = None
) -> tuple[Built, ...]:
    """The zips of *artifacts* below *dist*, in the order given, *jobs* at a time (two a core).

    Raises BuildError with what is wrong with any of them; those in order are built all the same.
    Builds at once do no harm, in threads or in processes: the later one finds what was built.
    """
    if jobs is not None and jobs < 1:
        raise BuildError(f"--jobs={jobs}: nothing would be built", hint="1 or more")
    wanted = tuple(dict.fromkeys(artifacts))
    at_once = jobs or 2 * (os.cpu_count() or 1)  # uv and zlib let other threads run.
    with ThreadPoolExecutor(at_once) as pool:
        try:
            results = list(pool.map(lambda artifact: _attempt(code, artifact, dist), wanted))
        except BaseException:
            pool.shutdown(cancel_futures=True)  # Those that run come to their end.
            raise
    refused = [result for result in results if isinstance(result, DeployError)]
    if refused:
        raise told(BuildError, [Fault(error.message, error.hint) for error in refused])
    return tuple(result for result in results if isinstance(result, Built))


def line(built: Built) -> str:
    """*built* as a line of a table; MB are millions of bytes."""
    name, where = built.artifact.name, str(built.artifact.target)
    sizes = f"{built.size / 1e6:6.2f} MB, {built.unzipped / 1e6:6.2f} MB unzipped"
    state = "was there" if built.cached else "built"
    return f"{name:18} {where:26} {sizes}  {state:9}  {built.artifact.key}"


def unchecked(several: Iterable[Built]) -> Iterator[str]:
    """Yield a line for each thing that could not be checked, with the functions it is about."""
    names: dict[str, list[str]] = {}
    for built in several:
        if built.unchecked:
            names.setdefault(built.unchecked, []).append(built.artifact.name)
    for fact, functions in names.items():
        yield f"not checked: {', '.join(functions)}: {fact}"


def _attempt(code: Code, artifact: Artifact, dist: Path) -> Built | DeployError:
    try:
        return _built(code, artifact, path_of(artifact, dist), dist)
    except DeployError as error:
        return error
    except OSError as error:  # Of the disk: what is read was read before, to have a digest of it.
        place = error.filename or path_of(artifact, dist)
        hint = "make room, or let yourself write there; nothing half-made is left"
        return BuildError(f"{place}: {error.strerror}", hint=hint)


def _built(code: Code, artifact: Artifact, path: Path, dist: Path) -> Built:
    symlinks.refuse(path.parent, dist.parent)
    if seal := store.recall(path):
        os.utime(path)  # Used now, so not the first to be dropped.
        return _shown(artifact, path, seal, cached=True)
    with store.turn(path.parent) as drafts:
        if seal := store.recall(path):
            return _shown(artifact, path, seal, cached=True)
        seal = _make(code, artifact, drafts, path)
        return _shown(artifact, path, seal, cached=False)


def _make(code: Code, artifact: Artifact, drafts: Path, path: Path) -> store.Seal:
    ours = _ours(code, artifact)
    draft = drafts / "packed.zip"
    packages: Mapping[str, bytes] = {}
    if found := _packages(artifact, ours, drafts, path.parent):
        packages = packing.Contents(found)
        shutil.copyfile(found, draft)
    _refuse(checks.contents(artifact, ours.files, packages))
    seal = store.write(ours.tree, draft)
    _refuse(checks.sizes(artifact, seal))
    started = checks.started(artifact, ours.files, draft, drafts)
    _refuse(started.faults)
    seal = replace(seal, unchecked=started.unchecked)
    store.keep(draft, seal, path)
    return seal


def _packages(artifact: Artifact, ours: sources.Sources, drafts: Path, folder: Path) -> Path | None:
    """The zip of what *ours* requires, made if it is not there; nothing if that is nothing."""
    lock = packed(ours)
    if not lock:
        return None
    digest = sources.Sources({}, lock.encode()).digest(artifact.target.facts)
    path = folder / f"{store.PACKAGES}{digest}.zip"
    if not store.recall(path):
        tree = install(artifact.name, lock, artifact.target, drafts / "packages")
        _refuse(checks.compiled(artifact, tree.files))
        draft = drafts / path.name
        store.keep(draft, store.write(tree, draft), path)
    os.utime(path)  # Used now, so not the first to be dropped.
    return path


def _ours(code: Code, artifact: Artifact) -> sources.Sources:
    """The sources, if they still are what the artifact is called after."""
    ours = sources.gather(code.root, artifact.name)
    if ours.digest(artifact.target.facts) != artifact.digest:
        place = f"{sources.LAMBDAS}/{artifact.name}"
        raise BuildError(f"{place}: changed while it was built", hint="run this again")
    return ours


def _refuse(faults: Iterable[Fault]) -> None:
    if found := list(faults):
        raise told(BuildError, found)


def _shown(artifact: Artifact, path: Path, seal: store.Seal, *, cached: bool) -> Built:
    sizes = (seal.size, seal.unzipped)
    return Built(artifact, path, seal.sha256, *sizes, cached=cached, unchecked=seal.unchecked)
