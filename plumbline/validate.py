"""``plumbline validate``: what the product says of recorded people beside what they really did."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from contracts.errors import Reason, SettingError
from plumbline import __version__
from plumbline.outputs import check_parent, write_bytes

if TYPE_CHECKING:
    from analytics.validation.orientation import InclinationFigures
    from analytics.validation.scoring import Scored
    from analytics.validation.trouble_figures import TroubleFigures
    from plumbline.cohort import Found
    from plumbline.models import Book
    from plumbline.validate_summary import About, Summary
    from plumbline.validate_words import Sheet

#: Random mountings of each sensor, unless asked otherwise.
DRAWS: Final = 3
#: Columns of text where the tables go to a file or another program.
FILE_WIDTH: Final = 200


@dataclass(frozen=True, slots=True)
class ValidateChoice:
    """What ``plumbline validate`` was asked to do."""

    folder: Path
    only: str = ""
    people: int | None = None
    draws: int = DRAWS
    workers: int | None = None
    json_file: Path | None = None
    report: Path | None = None
    markdown: Path | None = None
    shipped: bool = False


def run_validate(choice: ValidateChoice) -> None:
    """Analyse every recording that has truth, print the tables, write JSON and the report.

    RecordingError, SettingError or DiskError where something is wrong; an extra that is not installed
    is a SettingError that says how to get it.
    """
    require_extra()
    from plumbline.cohort import find_recordings, first_people
    from plumbline.validate_summary import About, summarise

    only = parts_of(choice.only)
    for path in (choice.json_file, choice.report, choice.markdown):
        check_parent(path)
    all_found, left_out = find_recordings(choice.folder)
    found = first_people(all_found, choice.people)
    console = Console(stderr=True)
    if left_out:
        console.print(f"Left out, having no truth.csv: {', '.join(left_out)}")
    book = _book(choice, found, all_found, console)
    runs = _analysed(found, book, choice, turn="mounting" in only, console=console)
    about = About(
        folder=str(choice.folder),
        recordings=len(found),
        people=len({one.person for one in found}),
        left_out=tuple(left_out),
        analyses=len(runs),
        model=book.words,
        version=__version__,
    )
    summary = summarise(
        runs,
        about,
        only,
        orientation=_trials(choice, only),
        trouble=_troubles(choice, found, console) if "trouble" in only else None,
    )
    _tell(choice, summary, console)


def _tell(choice: ValidateChoice, summary: Summary, console: Console) -> None:
    """Print the tables, and write what was asked for."""
    from plumbline.validate_goals import goal_sheet, goals
    from plumbline.validate_tables import sheets

    tables, wanted = sheets(summary), goals(summary)
    heading = [goal_sheet(wanted)] if wanted else []
    _print(summary.about, [*tables, *heading])
    if choice.markdown is not None:
        from plumbline.validate_markdown import markdown

        write_bytes(choice.markdown, markdown(summary.about, [*heading, *tables]).encode())
    if choice.json_file is not None:
        write_bytes(choice.json_file, summary.to_json())
    if choice.report is not None:
        from plumbline.validate_pictures import pictures
        from plumbline.validate_report import write_report

        page = write_report(choice.report, summary, tables, wanted, pictures(summary))
        console.print(f"The report: {page}")


def require_extra() -> None:
    """SettingError where scikit-learn or matplotlib is not installed."""
    absent = [name for name in ("sklearn", "matplotlib") if find_spec(name) is None]
    if absent:
        raise SettingError(
            Reason.MISSING,
            f"validating and fitting need {' and '.join(absent)}, not installed here.",
            hint="Install Plumbline with its extra: pip install 'plumbline[validate]'.",
        )


def parts_of(text: str) -> tuple[str, ...]:
    """The parts that ``--only`` names, by commas; all for none. SettingError for one there is not."""
    from plumbline.validate_summary import PARTS

    wanted = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        raise SettingError(
            Reason.BAD_SETTING,
            f"--only: there is no part {', '.join(unknown)}.",
            hint=f"The parts are {', '.join(PARTS)}.",
        )
    return tuple(part for part in PARTS if part in wanted or not wanted)


def _analysed(
    found: list[Found], book: Book, choice: ValidateChoice, *, turn: bool, console: Console
) -> list[Scored]:
    """Every way of every recording, in an order that does not depend on who was done first."""
    from plumbline.validate_runs import in_order, jobs_of, run_job
    from plumbline.workers import each

    jobs = jobs_of(found, draws=choice.draws, turn=turn, models_for=book.of)
    steps = each(run_job, jobs, "Analysing people", workers=choice.workers, console=console)
    return in_order([run for done in steps for run in done])


def _book(
    choice: ValidateChoice, found: list[Found], all_found: list[Found], console: Console
) -> Book:
    from plumbline.models import left_out_book, shipped_book

    if choice.shipped:
        return shipped_book()
    people = list(dict.fromkeys(one.person for one in found))
    return left_out_book(all_found, people, workers=choice.workers, console=console)


def _troubles(
    choice: ValidateChoice, found: list[Found], console: Console
) -> TroubleFigures | None:
    from plumbline.validate_trouble import rehearsed_troubles

    return rehearsed_troubles(found, workers=choice.workers, console=console)


def _trials(choice: ValidateChoice, only: tuple[str, ...]) -> list[InclinationFigures]:
    """The trials with optical truth beside the recordings, if there are any."""
    from plumbline.validate_orientation import FOLDER, orientation_figures

    folders = (choice.folder, choice.folder.resolve().parent)
    folder = next((one for one in folders if (one / FOLDER).is_dir()), None)
    return orientation_figures(folder) if folder and "orientation" in only else []


def _print(about: About, tables: list[Sheet]) -> None:
    """The tables on stdout; where that is no terminal, as wide as they are."""
    console = Console() if sys.stdout.isatty() else Console(width=FILE_WIDTH)
    console.print(f"{about.words}; models: {about.model}.")
    for sheet in tables:
        table = Table(*sheet.columns, title=sheet.title, caption=sheet.note, title_justify="left")
        table.caption_justify = "left"
        for row in sheet.rows:
            table.add_row(*row)
        console.print(table)
