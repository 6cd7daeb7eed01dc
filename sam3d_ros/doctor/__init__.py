"""What is there and what is missing on this machine; imports neither ROS nor anything heavy itself."""

from .examination import Examination, examine
from .finding import Finding, State
from .report import as_json, as_text

__all__ = ["Examination", "Finding", "State", "as_json", "as_text", "examine"]
