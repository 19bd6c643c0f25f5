"""The catalogue of models: list, check one, serve one to other machines.

Re-exported for the server package, which may import from the engine only.
"""

from omni_core.encoders.remote.server import may_listen as may_listen
from omni_core.encoders.remote.server import serve as serve
from omni_core.encoders.transformer.check import check as check
from omni_core.encoders.transformer.fit import Fit as Fit
from omni_core.encoders.transformer.fit import list_models as list_models
