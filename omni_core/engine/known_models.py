"""The models by name: their table, the check of one, and serving one to other machines.

For callers who may only see the engine.
"""

from omni_core.encoders.remote.server import may_listen as may_listen
from omni_core.encoders.remote.server import serve as serve
from omni_core.encoders.transformer.check import check as check
from omni_core.encoders.transformer.spec import Fit as Fit
from omni_core.encoders.transformer.spec import table as table
