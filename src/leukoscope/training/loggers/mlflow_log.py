"""Log a run to MLflow: a tracking server, or a database such as sqlite:///mlflow.db.

A resumed run continues the same run of MLflow: its id is in the run folder, under a hash
of the URI, which may hold a password.
"""

import hashlib
import json
import logging
import os
from collections.abc import Mapping
from time import time

from leukoscope.core.files import write_text
from leukoscope.core.version import __version__
from leukoscope.training.loggers.base import LoggedRun
from leukoscope.training.run import MLFLOW

EXPERIMENT = "leukoscope"
# MLflow's own defaults wait several minutes for a server that is not there.
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
# It would print addresses of each run among the results of a command.
QUIET = {"MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}
WATCHED = "train_loss"  # every epoch has one


class MLflowLog:
    """One run of MLflow."""

    def __init__(self, uri: str, run: LoggedRun) -> None:
        """Open the run that the run folder names, or else begin one.

        Raises:
            MlflowException: The server or database cannot be reached, or is refused.
        """
        for name, value in (PATIENCE | QUIET).items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient  # MLFLOW_DISABLE_TELEMETRY is set: see core.telemetry

        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self.client = MlflowClient(tracking_uri=uri)
        self.run_id = self._known(uri, run) or self._begun(uri, run)

    def steps(self) -> frozenset[int]:
        """Return the epochs that MLflow has."""
        history = self.client.get_metric_history(self.run_id, WATCHED)
        return frozenset(metric.step for metric in history)

    def write(self, values: Mapping[str, float], step: int) -> None:
        """Log values in one request."""
        from mlflow.entities import Metric

        now = int(time() * 1000)
        metrics = [Metric(name, value, now, step) for name, value in values.items()]
        self.client.log_batch(self.run_id, metrics=metrics)

    def close(self, status: str) -> None:
        """End the run."""
        self.client.set_terminated(self.run_id, status)

    def _known(self, uri: str, run: LoggedRun) -> str | None:
        """The id of the run to continue, if this server has it."""
        from mlflow.exceptions import MlflowException

        run_id = _read(run).get(_place(uri)) if run.resumed else None
        if not isinstance(run_id, str):
            return None
        try:
            self.client.update_run(run_id, status="RUNNING")
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":  # another database, or deleted there
                return None
            raise
        return run_id

    def _begun(self, uri: str, run: LoggedRun) -> str:
        from mlflow.entities import Param

        experiment = self.client.get_experiment_by_name(EXPERIMENT)
        number = experiment.experiment_id if experiment else self._experiment()
        begun = self.client.create_run(
            number, run_name=run.folder.name, tags={"leukoscope.version": __version__}
        )
        params = [Param(name, value) for name, value in run.settings.items()]
        run_id = str(begun.info.run_id)
        self.client.log_batch(run_id, params=params)
        ids = (_read(run) if run.resumed else {}) | {_place(uri): run_id}
        write_text(run.folder / MLFLOW, json.dumps(ids, indent=1) + "\n")
        return run_id

    def _experiment(self) -> str:
        from mlflow.exceptions import MlflowException

        try:
            return str(self.client.create_experiment(EXPERIMENT))
        except MlflowException:  # two runs may begin at once
            experiment = self.client.get_experiment_by_name(EXPERIMENT)
            if experiment is None:
                raise
            return str(experiment.experiment_id)


def _place(uri: str) -> str:
    return hashlib.sha256(uri.encode()).hexdigest()[:16]


def _read(run: LoggedRun) -> dict[str, object]:
    try:
        ids = json.loads((run.folder / MLFLOW).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return ids if isinstance(ids, dict) else {}
