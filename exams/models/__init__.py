from exams.models.assignment import Assignment, AssignmentEvent, LearnerOverride, Reminder
from exams.models.attempt import Attempt, AttemptEvent, Exposure, Response
from exams.models.challenge import Challenge
from exams.models.paper import MockExam, Paper, PaperItem
from exams.models.population import ItemStatistic, MockScoreCount, PopulationPrior, Sweep
from exams.models.report import ReportChunk, ReportRun
from exams.models.results import DomainScore, Evidence, ExamPlan, Result, TaskScore
from exams.models.tallies import (
    AssignmentQuestion,
    AssignmentTally,
    ItemTally,
    MockStatistic,
    PaperTally,
    PartStanding,
    Standing,
)

__all__ = [
    "Assignment",
    "AssignmentEvent",
    "AssignmentQuestion",
    "AssignmentTally",
    "Attempt",
    "AttemptEvent",
    "Challenge",
    "DomainScore",
    "Evidence",
    "ExamPlan",
    "Exposure",
    "ItemStatistic",
    "ItemTally",
    "LearnerOverride",
    "MockExam",
    "MockScoreCount",
    "MockStatistic",
    "Paper",
    "PaperItem",
    "PaperTally",
    "PartStanding",
    "PopulationPrior",
    "Reminder",
    "ReportChunk",
    "ReportRun",
    "Response",
    "Result",
    "Standing",
    "Sweep",
    "TaskScore",
]
