"""The options -q and -v of every command, before or after its name."""

import logging
from functools import lru_cache
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from leukoscope.core.console_log import set_level


class Group(TyperGroup):
    """A group of commands that all take -q and -v."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.params += _options()
        for command in self.commands.values():
            if not isinstance(command, Group):  # a group below has them already
                command.params += _options()


@lru_cache(maxsize=1)
def _options() -> tuple[Any, ...]:
    """Both options, as Typer makes them of the parameters of a function."""
    app = typer.Typer(add_completion=False)
    app.command()(_carrier)
    return tuple(typer.main.get_command(app).params)


def _quiet(wanted: bool) -> None:
    if wanted:
        set_level(logging.WARNING)


def _verbose(wanted: bool) -> None:
    if wanted:
        set_level(logging.DEBUG)


def _carrier(
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            "-q",
            help="Show results, warnings and errors only.",
            callback=_quiet,
            expose_value=False,
        ),
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            "-v",
            help="Show details, and every repeated message.",
            callback=_verbose,
            expose_value=False,
        ),
    ] = False,
) -> None:
    """Carry the options."""
