"""Base classes of exchangeable components: encoders, rerankers, readers, indexes, media.

| base class | entry-point group   | runs in          | turns                                 |
|------------|---------------------|------------------|---------------------------------------|
| `Medium`   | `omni_mcp.media`    | a decoder        | a file into segments and images       |
| `Reader`   | `omni_mcp.readers`  | the model worker | images and audio into words           |
| `Encoder`  | `omni_mcp.encoders` | the model worker | segments and questions into vectors   |
| `Index`    | `omni_mcp.indexes`  | the server       | points into rankings                  |

Each class lists first what must be written (abstract methods), then the optional hooks, whose
defaults are right for the simplest case: no other method is ever called.
Raise the errors of `omni_core.errors`; their message is one line that says what happened and what
to do, and it reaches the user as it is. `omni_core.plugins` finds the classes by entry point.
"""

from omni_core.protocols.encoder import Encoder as Encoder
from omni_core.protocols.encoder import Lack as Lack
from omni_core.protocols.encoder import Reranker as Reranker
from omni_core.protocols.index import Index as Index
from omni_core.protocols.medium import Medium as Medium
from omni_core.protocols.reader import Reader as Reader
from omni_core.protocols.reader import Transcriber as Transcriber
