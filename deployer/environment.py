"""An environment: its config, its desired stacks, and the account that they are deployed to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from deployer import config as configs
from deployer import stack_file_errors, symlinks, synth
from deployer.artifacts import Code, UnchangingCode
from deployer.config.fields import Settings
from deployer.errors import ConfigError, SynthError

if TYPE_CHECKING:
    from deployer.artifacts import Artifact
    from deployer.aws.account import Account
    from deployer.model import Env, Layers
    from deployer.model.desired import DesiredStack, NestedTemplate
    from emulator import Endpoint

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?")
LOCAL = "local"  # The name of the environment that is deployed to the emulator.

C = TypeVar("C", bound=Settings)


@dataclass(frozen=True)
class Project(Generic[C]):
    """A project with stacks: its folder, the type of its config, and its stacks.

    *code* reads the sources of each function only once: pass it if the stacks are rendered several
    times and no file changes meanwhile.
    """

    root: Path
    config: type[C]
    layers: Callable[[C, Code], Layers]
    code: UnchangingCode | None = None

    @property
    def build(self) -> Path:
        """The folder of the generated templates, with a folder per environment."""
        return self.root / "build"

    @property
    def stacks(self) -> Path:
        """The folder of the stack files."""
        return self.root / "stacks"

    @property
    def dist(self) -> Path:
        """The folder of the built code of functions."""
        return self.root / "dist"

    @property
    def emulator(self) -> Path:
        """The folder with all data of the emulator."""
        return self.root / ".emulator"

    def environments(self) -> tuple[str, ...]:
        """Return the name of every environment that has a config file."""
        return configs.environments(self.root / "config")

    def write_schema(self) -> None:
        """Write config/schema.json, with which editors complete and check config files."""
        schema = symlinks.refuse(self.root / "config" / "schema.json", self.root)
        schema.write_text(configs.schema(self.config), "utf-8")

    def open(self, name: str) -> Environment:
        """Read config/*name*.toml and render the stacks; raise ConfigError or SynthError."""
        file = configs.find(self.root / "config", name)
        with self._raise_stack_file_errors():
            config = configs.load(file, self.config)
        return self._render(config)

    def render(self, settings: Mapping[str, Any]) -> Environment | None:
        """Render the stacks with *settings*, the content of a config file; None if invalid."""
        config = configs.from_table(settings, self.config)
        if config is None:
            return None
        try:
            return self._render(config)
        except (ConfigError, SynthError):
            return None

    def open_all(self, *, with_local: bool = True) -> list[Environment]:
        """Open every environment; raise one ConfigError for the errors of all files."""
        with self._raise_stack_file_errors():
            loaded = configs.load_all(self.root / "config", self.config)
        code = self.code or UnchangingCode(self.root)
        environments, errors = [], []
        for name, config in loaded.items():
            if name == LOCAL and not with_local:
                continue
            try:
                environments.append(self._render(config, code))
            except ConfigError as error:
                errors.append(error)
        if errors:
            messages = dict.fromkeys(error.message for error in errors)
            hints = dict.fromkeys(error.hint for error in errors if error.hint)
            raise ConfigError("\n".join(messages), hint="; ".join(hints))
        return environments

    @contextmanager
    def _raise_stack_file_errors(self) -> Iterator[None]:
        """Raise SynthError for an error in a stack file, such as in the types of its settings."""
        try:
            yield
        except Exception as error:
            stack_file_errors.raise_explained(error, self.stacks)
            raise

    def _render(self, config: C, code: Code | None = None) -> Environment:
        layers = self._layers(config, code or self.code or Code(self.root))
        return Environment(layers.env, synth.synth(layers), self.build / layers.env.name, config)

    def _layers(self, config: C, code: Code) -> Layers:
        """Return the stacks of *config*; raise one SynthError for the errors of all stack files."""
        try:
            return self.layers(config, code)
        except Exception as error:
            # Run it again to collect the errors of the other stacks.
            with stack_file_errors.collecting(self.stacks) as collected, suppress(Exception):
                self.layers(config, code)
            stack_file_errors.raise_explained(error, self.stacks, collected)
            raise


@dataclass(frozen=True)
class Environment:
    """The config of an environment, and its desired stacks, dependencies first.

    *build* is the folder of its templates. *config* is the loaded config file, of the type that
    the project declares.
    """

    env: Env
    desired: tuple[DesiredStack, ...]
    build: Path
    config: Settings

    @property
    def is_local(self) -> bool:
        """Whether its account is the emulator, which needs neither review nor approval."""
        return self.env.name == LOCAL

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """The code of its functions."""
        return tuple(
            dict.fromkeys(artifact for stack in self.desired for artifact in stack.artifacts)
        )

    @property
    def templates(self) -> tuple[DesiredStack | NestedTemplate, ...]:
        """Every template, those of nested stacks right after their root stack."""
        templates: list[DesiredStack | NestedTemplate] = []
        for stack in self.desired:
            templates += [stack, *stack.nested]
        return tuple(templates)

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions that may have stacks of the environment: from the code and from the config."""
        regions = (stack.region for stack in self.desired)
        return tuple(dict.fromkeys((*regions, self.env.region, *self.env.former_regions)))

    @property
    def prefix(self) -> str:
        """The prefix of the names of its stacks."""
        return self.env.stack_name("")

    def write_or_check_templates(self) -> None:
        """Make sure that build/ has the templates to deploy.

        For the emulator they are written. For an account they were reviewed, so they are only
        compared: raise StaleError if they differ.
        """
        if self.is_local:
            synth.write(self.desired, self.build)
        else:
            synth.check(self.desired, self.build)


def connect(environment: Environment, folder: Path, environ: Mapping[str, str]) -> Account:
    """Return the account of *environment*; start the emulator in *folder* if necessary.

    Raise GuardError if the credentials are not for the account in the config; see
    `deployer.aws.connect`.
    """
    # Imported here: botocore takes 0.1 s, and `synth` and `lint` need no account.
    from deployer.aws.connect import connect_account, connect_emulator

    env = environment.env
    if not environment.is_local:
        return connect_account(env, environ)
    endpoint = start_emulator(environment, folder, environ)
    return connect_emulator(env, endpoint.url, endpoint.access_key, endpoint.secret_key)


def start_emulator(environment: Environment, folder: Path, environ: Mapping[str, str]) -> Endpoint:
    """Start the emulator in *folder*, with the hosted zone that *environment* requires.

    CRUDDUR_POSTGRES=system creates new databases with the PostgreSQL that is installed on this
    machine. CRUDDUR_ORIGINS lists origins other than the site that may send requests. Both depend on
    the machine, so they are environment variables, not settings. Raise ConfigError for an unknown
    PostgreSQL or an invalid origin.
    """
    # Imported here: only the local environment needs it.
    import emulator

    env = environment.env
    prerequisites = emulator.Prerequisites(hosted_zones=((env.hosted_zone, env.domain),))
    origins = _origins(environ.get("CRUDDUR_ORIGINS", ""))
    match environ.get("CRUDDUR_POSTGRES", "bundled"):
        case "bundled" | "system" as postgres:
            return emulator.start(
                folder,
                account=env.account,
                prerequisites=prerequisites,
                origins=origins,
                postgres=postgres,
            )
        case other:
            raise ConfigError(f"CRUDDUR_POSTGRES={other}: unknown", hint="one of: bundled, system")


def _origins(text: str) -> list[str]:
    """Return the space-separated origins in *text*."""
    origins = text.split()
    if invalid := [origin for origin in origins if not _ORIGIN.fullmatch(origin)]:
        raise ConfigError(
            f"CRUDDUR_ORIGINS: not an origin: {', '.join(invalid)}",
            hint="write each as http://HOST or http://HOST:PORT, with spaces between them",
        )
    return origins
