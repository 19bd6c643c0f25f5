"""The models by name: their table, the check of one, and serving one to other machines.

For callers who may only see the engine.
"""

from omni_core.encoders.models import Fit as Fit
from omni_core.encoders.models import check as check
from omni_core.encoders.models import table as table
from omni_core.encoders.remote import may_listen as may_listen
from omni_core.encoders.remote import serve as serve
