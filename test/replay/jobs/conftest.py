"""The work functions lie in a module beside the tests, which workers find because they look where we do."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
