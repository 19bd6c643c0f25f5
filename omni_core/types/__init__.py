"""Data types that all packages share. Of this project they import only `ids` and the
marks of `codec`.

Ingest:  file -> Source -> Segment* -> (Segment + Vector)* -> Point* -> stored.
Search:  question -> Vector -> ScoredPoint* -> Candidate* -> Moment* -> SearchHit*.
"""

from omni_core.types.contents import SAMPLE_RATE as SAMPLE_RATE
from omni_core.types.contents import AudioContent as AudioContent
from omni_core.types.contents import Content as Content
from omni_core.types.contents import Frames as Frames
from omni_core.types.contents import ImageContent as ImageContent
from omni_core.types.contents import Pixels as Pixels
from omni_core.types.contents import PlacedWord as PlacedWord
from omni_core.types.contents import Rect as Rect
from omni_core.types.contents import Samples as Samples
from omni_core.types.contents import TextContent as TextContent
from omni_core.types.contents import Vector as Vector
from omni_core.types.contents import VideoContent as VideoContent
from omni_core.types.models import EncoderInfo as EncoderInfo
from omni_core.types.models import ReaderInfo as ReaderInfo
from omni_core.types.models import RerankerInfo as RerankerInfo
from omni_core.types.options import Crop as Crop
from omni_core.types.options import CutOptions as CutOptions
from omni_core.types.options import Limits as Limits
from omni_core.types.options import PdfEngine as PdfEngine
from omni_core.types.scores import Match as Match
from omni_core.types.scores import Sparse as Sparse
from omni_core.types.segments import ASIDE as ASIDE
from omni_core.types.segments import CHAPTER_ORIGIN as CHAPTER_ORIGIN
from omni_core.types.segments import PIECES as PIECES
from omni_core.types.segments import TITLE_ORIGIN as TITLE_ORIGIN
from omni_core.types.segments import Axis as Axis
from omni_core.types.segments import Beats as Beats
from omni_core.types.segments import Channel as Channel
from omni_core.types.segments import Encoded as Encoded
from omni_core.types.segments import Segment as Segment
from omni_core.types.segments import Span as Span
from omni_core.types.sources import FILE_TIME as FILE_TIME
from omni_core.types.sources import BinnedSource as BinnedSource
from omni_core.types.sources import FileLength as FileLength
from omni_core.types.sources import FileWarning as FileWarning
from omni_core.types.sources import MediaInfo as MediaInfo
from omni_core.types.sources import Modality as Modality
from omni_core.types.sources import Source as Source
from omni_core.types.sources import SourceRow as SourceRow
from omni_core.types.sources import State as State
from omni_core.types.speakers import NameFrom as NameFrom
from omni_core.types.speakers import Speaker as Speaker
from omni_core.types.speakers import Turn as Turn
from omni_core.types.speakers import Voices as Voices
