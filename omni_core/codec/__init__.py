"""Values of our types as JSON and bytes, and back, exactly as they were; nothing is unpickled.

`codec(hint)` serves any type made of dataclasses, enums, literals, optionals, collections, dates,
errors of ours, bytes, NumPy arrays and JSON values. Bytes and arrays do not become text: they are
appended to a list, and the JSON holds their position in it. What is received is checked against
the type: whoever sends can at worst send wrong values of it.

It carries answers of child processes (`frames`, `worker`) and the calls of an engine that several
processes share (`sharing`).

Why not pydantic: the results have fields that are derived (`init=False`), errors as values, arrays
and paths that must be made absolute, nothing may be coerced, and file names may hold bytes that
are no UTF-8, which it refuses to write.
"""

from omni_core.codec.base import LOCAL_PATH as LOCAL_PATH
from omni_core.codec.base import Array as Array
from omni_core.codec.base import Blob as Blob
from omni_core.codec.base import Codec as Codec
from omni_core.codec.base import MalformedError as MalformedError
from omni_core.codec.types import answers_of as answers_of
from omni_core.codec.types import codec as codec
from omni_core.codec.types import codecs as codecs
