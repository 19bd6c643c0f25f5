"""Cues of formats that few programs write today."""

from __future__ import annotations

import json
import time

import pytest

from omni_core.media.text.subtitle_formats import detect_format, read_subtitles
from omni_core.media.text.subtitle_xml import read_xml, xml_kind

CUES = [(1.0, 3.0, "The tide is low"), (65.5, 67.0, "Boats wait")]
_PRAAT = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 70
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 70
        intervals: size = 3
        intervals [1]:
            xmin = 1
            xmax = 3
            text = "The tide is low"
        intervals [2]:
            xmin = 3
            xmax = 65.5
            text = ""
        intervals [3]:
            xmin = 65.5
            xmax = 67
            text = "Boats wait"
    item [2]:
        class = "IntervalTier"
        name = "phones"
        xmin = 0
        xmax = 70
        intervals: size = 1
        intervals [1]:
            xmin = 1
            xmax = 1.1
            text = "DH"
"""
_SHORT = (
    '"ooTextFile"\n"TextGrid"\n\n0\n70\n<exists>\n1\n"IntervalTier"\n"Ann"\n0\n70\n2\n'
    '1\n3\n"The tide is low"\n65.5\n67\n"Boats wait"\n'
)
TEXTS = {
    "a.jss": "#TITLE Harbour\n#TIMERES 100\n0:00:01.00 0:00:03.00 {now} The tide is low\n"
             "0:01:05.50 0:01:07.00 JCVT D Boats~wait\n",
    "a.rt": '<window type="generic">\n<Time begin="0:00:01.0" end="0:00:03.0"/><clear/>The <b>tide'
            '</b> is low\n<Time begin="65.5" end="1:07"/><clear/>Boats wait\n</window>',
    "a.aqt": "-->> 000010\nThe tide is low\n\n-->> 000030\n\n\n-->> 000655\nBoats wait\n\n"
             "-->> 000670\n\n",
    "a.pjs": '10,30,"The tide is low"\n655,670,"Boats wait"\n',
    "long.TextGrid": _PRAAT, "short.TextGrid": _SHORT,
    "a.usf": '<?xml version="1.0"?><USFSubtitles version="1.0"><subtitles><subtitle '
             'start="00:00:01.000" stop="00:00:03.000"><text>The tide is low</text></subtitle>'
             '<subtitle start="00:01:05.500" stop="00:01:07.000"><text>Boats wait</text></subtitle>'
             "</subtitles></USFSubtitles>",
    "interop.xml": '<?xml version="1.0"?><DCSubtitle Version="1.0"><Font Id="a"><Subtitle '
                   'TimeIn="00:00:01:000" TimeOut="00:00:03:000"><Text>The tide is low</Text>'
                   '</Subtitle><Subtitle TimeIn="00:01:05:125" TimeOut="00:01:07:000"><Text>Boats '
                   "wait</Text></Subtitle></Font></DCSubtitle>",
    "smpte.xml": '<dcst:SubtitleReel xmlns:dcst="x"><dcst:TimeCodeRate>24</dcst:TimeCodeRate>'
                 '<dcst:Subtitle TimeIn="00:00:01:00" TimeOut="00:00:03:00"><dcst:Text>The tide is '
                 'low</dcst:Text></dcst:Subtitle><dcst:Subtitle TimeIn="00:01:05:12" '
                 'TimeOut="00:01:07:00"><dcst:Text>Boats wait</dcst:Text></dcst:Subtitle>'
                 "</dcst:SubtitleReel>",
    "a.eaf": '<?xml version="1.0"?><ANNOTATION_DOCUMENT FORMAT="3.0"><TIME_ORDER>'
             + "".join(f'<TIME_SLOT TIME_SLOT_ID="t{n}" TIME_VALUE="{at}"/>'
                       for n, at in enumerate((1000, 3000, 65500, 67000)))
             + '</TIME_ORDER><TIER TIER_ID="Ann"><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID='
             '"a" TIME_SLOT_REF1="t0" TIME_SLOT_REF2="t1"><ANNOTATION_VALUE>The tide is low'
             "</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION><ANNOTATION>"
             '<ALIGNABLE_ANNOTATION ANNOTATION_ID="b" TIME_SLOT_REF1="t2" TIME_SLOT_REF2="t3">'
             "<ANNOTATION_VALUE>Boats wait</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>"
             "</TIER></ANNOTATION_DOCUMENT>",
    "a.trs": '<?xml version="1.0"?><!DOCTYPE Trans SYSTEM "trans-14.dtd"><Trans><Turn '
             'startTime="1" endTime="3"><Sync time="1"/>\nThe tide is low\n</Turn><Turn '
             'startTime="65.5" endTime="67.0"><Sync time="65.5"/>\nBoats wait\n</Turn></Trans>',
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_cues_have_their_times(name: str) -> None:
    found = read_subtitles(TEXTS[name], "." + name.rpartition(".")[2], lambda: 10.0)

    assert found.warnings == ()
    assert [(c.start, c.end, c.text) for c in found.cues] == CUES


def test_marks_of_several_speakers_have_their_names() -> None:
    grid = _PRAAT.replace('"words"', '"Ann"').replace('"phones"', '"Tom"').replace("DH", "Aye")

    said = [cue.text for cue in read_subtitles(grid, ".textgrid").cues]

    assert said == ["Tom: Aye", "Ann: The tide is low", "Ann: Boats wait"]


def test_rows_of_numbers_and_words_are_no_subtitles() -> None:
    assert detect_format(TEXTS["a.pjs"], ".csv") is None
    assert detect_format("0:00:03.00 0:00:01.00 lap\n0:00:05.00 0:00:02.00 lap\n", ".txt") is None


WORDS = [(1.0, 1.2, "The"), (1.2, 1.6, "tide."), (65.5, 66.0, "Boats.")]
SERVICES = {
    "Trint": {"transcript": {
        "words": [{"time": round(a * 1000), "duration": round((b - a) * 1000), "value": f"{w} "}
                  for a, b, w in WORDS],
        "paragraphs": [{"time": 1000, "speaker": "Ann"}, {"time": 65500, "speaker": "Tom"}]}},
    "Watson": {"results": [
        {"alternatives": [{"transcript": " ".join(w for _, _, w in words) + " ",
                           "timestamps": [[w, a, b] for a, b, w in words]}], "final": True}
        for words in (WORDS[:2], WORDS[2:])]},
    "oTranscribe": {"media": "a.mp3", "text": "".join(
        f'<p><span class="timestamp" data-timestamp="{at}">x</span>{words}<br></p>'
        for at, words in ((1.0, "The tide."), (65.5, "Boats.")))},
}  # fmt: skip


@pytest.mark.parametrize("name", SERVICES)
def test_transcripts_of_services_have_their_times(name: str) -> None:
    found = read_subtitles(json.dumps(SERVICES[name]), ".json")

    assert [(c.start, c.text.rpartition(": ")[2]) for c in found.cues] == [
        (1.0, "The tide."), (65.5, "Boats."),
    ]  # fmt: skip
    if name == "Trint":
        assert found.cues[1].text == "Tom: Boats."


@pytest.mark.parametrize(
    "text",
    [
        "<?xml?>" + "<!---->" * 500 + "<page>",
        "<?xml?>" + " " * 4_000 + "page",
        "<ANNOTATION_DOCUMENT><TIER " + "a" * 200_000 + ">",
    ],
    ids=["remarks", "spaces", "a long name"],
)
def test_endless_xml_is_told_in_time(text: str) -> None:
    start = time.process_time()
    xml_kind(text[:4096])
    read_xml(text, "eaf")
    assert time.process_time() - start < 1


def test_remarks_may_stand_before_a_transcript() -> None:
    assert xml_kind('<?xml version="1.0"?>\n<!-- a -->\n <!-- b --> <Trans scribe="x">') == "trs"


def test_a_mark_without_a_time_that_can_be_is_no_cue() -> None:
    marks = f'0 1 "seen" {"9" * 400} {"9" * 400} "lost"'
    text = f'"ooTextFile"\n"TextGrid"\n"IntervalTier" "words" 0 9 2 {marks}'
    assert [cue.text for cue in read_subtitles(text).cues] == ["seen"]
