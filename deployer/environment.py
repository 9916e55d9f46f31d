"""One environment, opened: its config, the templates it wants, and the account they go to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from deployer import config as configs
from deployer import stack_file_errors, symlinks, synth
from deployer.artifacts import Code
from deployer.config.fields import Settings
from deployer.errors import ConfigError

if TYPE_CHECKING:
    from deployer.artifacts import Artifact
    from deployer.aws.account import Account
    from deployer.model import Env, Layers
    from deployer.model.desired import DesiredStack, NestedTemplate
    from emulator import Endpoint

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?")
EMULATOR = "local"  # The environment that is the emulator.


C = TypeVar("C", bound=Settings)


@dataclass(frozen=True)
class Project(Generic[C]):
    """What the deployer is told of the project it deploys: its folder, and what it describes."""

    root: Path
    config: type[C]
    layers: Callable[[C, Code], Layers]

    @property
    def build(self) -> Path:
        """Where templates are written, a folder per environment."""
        return self.root / "build"

    @property
    def stacks(self) -> Path:
        """Where the stack files are."""
        return self.root / "stacks"

    @property
    def dist(self) -> Path:
        """Where the code of functions is built."""
        return self.root / "dist"

    @property
    def emulator(self) -> Path:
        """Where the emulator keeps everything it has."""
        return self.root / ".emulator"

    def environments(self) -> tuple[str, ...]:
        """The name of every environment there is a config file for."""
        return configs.environments(self.root / "config")

    def write_schema(self) -> None:
        """Write config/schema.json, from which editors complete and check config files."""
        schema = symlinks.refuse(self.root / "config" / "schema.json", self.root)
        schema.write_text(configs.schema(self.config), "utf-8")

    def open(self, name: str) -> Environment:
        """Read config/*name*.toml and synthesise; raises ConfigError or SynthError."""
        file = configs.find(self.root / "config", name)
        with self._mistakes_told():
            config = configs.load(file, self.config)
        return self._opened(config)

    def open_all(self) -> list[Environment]:
        """Open every environment; raises one ConfigError for the faults of all files."""
        with self._mistakes_told():
            loaded = configs.load_all(self.root / "config", self.config)
        return [self._opened(config) for config in loaded.values()]

    @contextmanager
    def _mistakes_told(self) -> Iterator[None]:
        """Raise SynthError for a mistake in a stack file, such as in the types of its settings."""
        try:
            yield
        except Exception as error:
            stack_file_errors.refuse(error, self.stacks)
            raise

    def _opened(self, config: C) -> Environment:
        layers = self._layers(config)
        return Environment(layers.env, synth.synth(layers), self.build / layers.env.name, config)

    def _layers(self, config: C) -> Layers:
        """The layers of *config*; raises one SynthError for the mistakes of all stack files."""
        code = Code(self.root)
        try:
            return self.layers(config, code)
        except Exception as error:
            # Once more, for the mistakes of other stacks; it is the first error that counts.
            with stack_file_errors.collecting(self.stacks) as found, suppress(Exception):
                self.layers(config, code)
            stack_file_errors.refuse(error, self.stacks, found)
            raise


@dataclass(frozen=True)
class Environment:
    """An environment's settings and what it wants, lowest stack first."""

    env: Env
    desired: tuple[DesiredStack, ...]
    build: Path
    config: Settings

    @property
    def is_local(self) -> bool:
        """It is the emulator: nobody reviews it, and nothing in it is worth asking for."""
        return self.env.name == EMULATOR

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """What its functions are made of."""
        return tuple(dict.fromkeys(one for each in self.desired for one in each.artifacts))

    @property
    def templates(self) -> tuple[DesiredStack | NestedTemplate, ...]:
        """Every template, those of nested stacks right after the one they are in."""
        templates: list[DesiredStack | NestedTemplate] = []
        for stack in self.desired:
            templates += [stack, *stack.nested]
        return tuple(templates)

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions that may have its stacks: those of its layers and those in its config."""
        layers = (stack.region for stack in self.desired)
        return tuple(dict.fromkeys((*layers, self.env.region, *self.env.former_regions)))

    @property
    def prefix(self) -> str:
        """What the name of each of its stacks begins with."""
        return self.env.stack_name("")

    def settle_templates(self) -> None:
        """See that build/ holds what will be deployed.

        The emulator gets it written afresh. For an account it was reviewed, so it is only
        compared: raises StaleError where it differs.
        """
        if self.is_local:
            synth.write(self.desired, self.build)
        else:
            synth.check(self.desired, self.build)


def connect(environment: Environment, folder: Path, environ: Mapping[str, str]) -> Account:
    """The account of *environment*; the emulator in *folder* is started if need be.

    Raises GuardError for an account that is not the one in config, see `deployer.aws.connect`.
    """
    from deployer.aws.connect import connect_account, connect_emulator

    env = environment.env
    if not environment.is_local:
        return connect_account(env, environ)
    endpoint = start(environment, folder, environ)
    return connect_emulator(env, endpoint.url, endpoint.access_key, endpoint.secret_key)


def start(environment: Environment, folder: Path, environ: Mapping[str, str]) -> Endpoint:
    """The emulator in *folder*, running, with what *environment* expects to be there by hand.

    CRUDDUR_POSTGRES=system creates new databases with the PostgreSQL that is installed on this
    machine. CRUDDUR_ORIGINS lists more origins, besides the site's own, whose pages may send
    requests. Both depend on the machine, so they are not in a config file. Raises ConfigError for
    an unknown PostgreSQL, or an invalid origin.
    """
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
    """Return the origins in *text*, which spaces separate."""
    origins = text.split()
    if wrong := [origin for origin in origins if not _ORIGIN.fullmatch(origin)]:
        raise ConfigError(
            f"CRUDDUR_ORIGINS: not an origin: {', '.join(wrong)}",
            hint="write each as http://HOST or http://HOST:PORT, with spaces between them",
        )
    return origins
