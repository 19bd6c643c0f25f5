"""What child processes may do: decoders read files of strangers, and may be taken over by one.

A child is started with a few variables of the environment (`environment`), and before it imports
anything of ours it gives up (`entering`) new privileges, capabilities of root, and, where the
kernel has them, the rest of the file system and the network (Landlock) and the system calls that
it never needs (seccomp). `rules` says which child gives up what; docs/how-it-works.md shows it.
On macOS and Windows only the environment and the limits hold.
"""

from omni_core.sandbox.environment import SILENT as SILENT
from omni_core.sandbox.environment import allowed as allowed
from omni_core.sandbox.environment import import_path as import_path
from omni_core.sandbox.rules import Rules as Rules
