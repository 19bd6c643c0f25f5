"""The models by name: the list of them, the check of one, and serving one to other machines.

For callers who may only see the engine.
"""

from omni_core.encoders.remote.server import may_listen as may_listen
from omni_core.encoders.remote.server import serve as serve
from omni_core.encoders.transformer.check import check as check
from omni_core.encoders.transformer.fit import Fit as Fit
from omni_core.encoders.transformer.fit import list_models as list_models
