"""The models known by name and the check of one, for callers who may only see the engine."""

from omni_core.encoders.models import Fit as Fit
from omni_core.encoders.models import check as check
from omni_core.encoders.models import table as table
