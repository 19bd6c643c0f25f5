"""Evaluation of retrieval: ingest a folder, ask questions with known answers, report metrics.

questions    the files of questions
library      the files that they are about, under their names or under numbers
run          ask every question and judge its hits
judging      which hits are right
summary      means by direction and language
reliability  what strong, fair and weak are worth; questions without an answer; channels
comparison   two reports over the same questions
evidence     pictures and words of what was expected and found
"""

from omni_core.engine.evaluation.comparison import compare as compare
from omni_core.engine.evaluation.evidence import Evidence as Evidence
from omni_core.engine.evaluation.evidence import collect as collect
from omni_core.engine.evaluation.evidence import expected_ref as expected_ref
from omni_core.engine.evaluation.evidence import missed as missed
from omni_core.engine.evaluation.run import EvaluationProgress as EvaluationProgress
from omni_core.engine.evaluation.run import evaluate as evaluate
