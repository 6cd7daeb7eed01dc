"""Candidates: proposed by the model, judged, kept on disk, chosen from."""

from .choosing import CHOSEN, HAS_TARGET, REJECTED, TARGET, ChosenViews, Pairs
from .judging import Judge, Question, Shape, TruthJudge, Verdict
from .proposing import Judged, Proposing, propose, shape_candidates
from .storing import Candidates, fill, stored

__all__ = [
    "CHOSEN",
    "HAS_TARGET",
    "REJECTED",
    "TARGET",
    "Candidates",
    "ChosenViews",
    "Judge",
    "Judged",
    "Pairs",
    "Proposing",
    "Question",
    "Shape",
    "TruthJudge",
    "Verdict",
    "fill",
    "propose",
    "shape_candidates",
    "stored",
]
