"""Sources looked over before they count: would each work, and what does it lack for the policy's checks?"""

from signals.sources.check import Brings, Lack, SourceCheck, check_sources
from signals.sources.listing import Known, known_connectors

__all__ = ["Brings", "Known", "Lack", "SourceCheck", "check_sources", "known_connectors"]
