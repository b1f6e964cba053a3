"""study.html: trials, history, importance of the settings, and how to use the best trial."""

from pathlib import Path
from typing import TYPE_CHECKING

import optuna
from markupsafe import Markup

from leukoscope.core import html
from leukoscope.core.files import natural_key
from leukoscope.core.progress import duration
from leukoscope.core.wording import count as counted
from leukoscope.data.synthetic.notice import synthetic_notice
from leukoscope.models.recipe.space import label
from leukoscope.training.tuning.display import title
from leukoscope.training.tuning.plots import setting_importance, study_history
from leukoscope.training.tuning.results import FEWEST, Row, Study, importance
from leukoscope.training.tuning.study import SPLIT, Plan

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE = "study.html"


def write_study_page(plan: Plan, study: optuna.Study, result: Study) -> Path:
    """Write the page and return its path.

    Args:
        plan: The plan of the study.
        study: Optuna's study.
        result: Its trials and the best of them.
    """
    parts = [
        *synthetic_notice(plan.cohort),
        *(html.note(line, "warning") for line in plan.split.warnings),
        html.paragraph(_protocol(plan)),
        *_best(plan, result),
        html.heading("History"),
        html.figure(_history(plan, result), "Each trial, and the best so far."),
        html.heading("Importance of the settings"),
        *_importance(plan, study),
        html.heading("Search space"),
        html.table(["setting", "values"], _space(plan)),
        html.heading("Trials"),
        _trials(plan, result),
    ]
    heading = f"Study {plan.name}: {plan.recipe.name}"
    return html.write_page(plan.folder / PAGE, heading, parts, subtitle=plan.cohort.source)


def _protocol(plan: Plan) -> str:
    cohort = plan.cohort
    persons = {
        part: sorted(set(cohort["person"][cohort["part"] == part]) - {""}, key=natural_key)
        for part in ("train", "validation")
    }
    if plan.folds > 1:
        both = len(set(persons["train"]) | set(persons["validation"]))
        folds = f"{counted(plan.folds, 'fold')} of {counted(both, 'person')}"
        how = f"mean {title(plan.objective)} over {folds}"
    else:
        names = ", ".join(persons["validation"])
        how = f"{title(plan.objective)} on the validation persons {names}"
    return (
        f"Each trial is a training with settings drawn from the search space below, evaluated by "
        f"{how}. Split by {plan.split.kind}, seed {plan.seed}. No trial has seen a test person."
    )


def _best(plan: Plan, result: Study) -> list[Markup]:
    if not result.best:
        return [html.note("No trial is complete yet.", "warning")]
    best = result.best
    rows = [(name, label(value)) for name, value in best.settings.items()]
    command = f"leukoscope train DIR --recipe {result.recipe} --split {plan.folder / SPLIT}"
    advice = Markup(
        "As the best of {} on the same persons, this value is optimistic. Train it with "
        "the same split, so that no person on whom it was chosen becomes a test person, then "
        "evaluate it: "
        "<code>{}</code>"
    ).format(counted(result.count("complete"), "trial"), command)
    return [
        html.heading(f"Best: trial {best.trial}, {title(plan.objective)} {best.value:.4f}"),
        html.table(["setting", "value"], rows),
        html.note(advice),
    ]


def _history(plan: Plan, result: Study) -> "Figure":
    shown = [row for row in result.trials if row.state in ("complete", "pruned")]
    return study_history(
        [row.trial for row in shown],
        [row.value for row in shown],
        [row.state == "complete" for row in shown],
        name=title(plan.objective),
        minimize=plan.minimizes,
    )


def _importance(plan: Plan, study: optuna.Study) -> list[Markup]:
    fraction = importance(study, plan.seed)
    if not fraction:
        return [html.paragraph(f"At least {FEWEST} complete trials are needed.")]
    caption = "fANOVA over the complete trials; with a few dozen trials, only a rough estimate."
    return [html.figure(setting_importance(fraction), caption)]


def _space(plan: Plan) -> list[tuple[str, str]]:
    return [(name, str(vary)) for name, vary in plan.space.items()]


def _trials(plan: Plan, result: Study) -> Markup:
    names = list(plan.space)
    ordered = sorted(result.trials, key=lambda row: _rank(plan, row))
    return html.table(
        ["trial", "state", title(plan.objective), "epochs", "time", *names, "reason"],
        [
            (
                row.trial,
                row.state,
                f"{row.value:.4f}" if row.value == row.value else "",
                row.epochs or "",
                duration(row.seconds),
                *(label(row.settings.get(name, "")) for name in names),
                row.reason,
            )
            for row in ordered
        ],
        "The best first.",
    )


def _rank(plan: Plan, row: Row) -> tuple[bool, float, int]:
    value = row.value if plan.minimizes else -row.value
    return row.state != "complete", value if value == value else float("inf"), row.trial
