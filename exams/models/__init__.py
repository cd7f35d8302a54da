from exams.models.attempt import Attempt, AttemptEvent, Exposure, Response
from exams.models.challenge import Challenge
from exams.models.paper import MockExam, Paper, PaperItem
from exams.models.population import ItemStatistic, MockScoreCount, PopulationPrior, Sweep
from exams.models.results import DomainScore, Evidence, ExamPlan, Result, TaskScore

__all__ = [
    "Attempt",
    "AttemptEvent",
    "Challenge",
    "DomainScore",
    "Evidence",
    "ExamPlan",
    "Exposure",
    "ItemStatistic",
    "MockExam",
    "MockScoreCount",
    "Paper",
    "PaperItem",
    "PopulationPrior",
    "Response",
    "Result",
    "Sweep",
    "TaskScore",
]
