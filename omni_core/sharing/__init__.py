"""One engine for all processes of a user on one store, whichever of them runs it.

attaching       finds the engine: connects to the process that serves it, or opens it here
place, terms    where the serving process is found, and what both must agree on
handshake       both sides prove that they can read the store's secret
link, codec     messages, and values of the engine's types in them
methods         the calls, read from the signatures of `EngineApi`
host, reports   the serving side
connection      the calling side
shared_engine   what callers use; it outlives the process that serves it
"""

from omni_core.sharing.shared_engine import SharedEngine as SharedEngine
