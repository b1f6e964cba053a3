# The public API: the one list of its names and of where they are defined. `__init__.py` loads them
# from here when they are used; editors and type checkers read it as it is.

from .api.adapt import adapt as adapt
from .api.cells import cells as cells
from .api.cnmc import download as download
from .api.cnmc import verify_data as verify_data
from .api.compare import compare as compare
from .api.data import audit as audit
from .api.data import describe_data as describe_data
from .api.data import make_synthetic as make_synthetic
from .api.data import read_cohort as read_cohort
from .api.data import report_data as report_data
from .api.data import split as split
from .api.demo import demo as demo
from .api.evaluate import evaluate as evaluate
from .api.evaluate_preliminary import evaluate_preliminary as evaluate_preliminary
from .api.explain import explain as explain
from .api.leakage import leakage as leakage
from .api.model import load_model as load_model
from .api.model import model_card as model_card
from .api.model import model_checklist as model_checklist
from .api.model import read_card as read_card
from .api.model import verify_model as verify_model
from .api.predict import predict as predict
from .api.release import release as release
from .api.serve import serve as serve
from .api.submission import submission as submission
from .api.train import preview as preview
from .api.train import recalibrate as recalibrate
from .api.train import train as train
from .api.tune import tune as tune
from .core.errors import LeukoscopeError as LeukoscopeError
from .core.verdicts import Verdict as Verdict
from .data.cohort import Cohort as Cohort
from .inference.predictions import Predictions as Predictions
from .inference.predictor import Predictor as Predictor
from .inference.results import Prediction as Prediction
from .models.recipe.recipe import Recipe as Recipe
from .training.run import Run as Run

__version__: str

def __dir__() -> list[str]: ...
