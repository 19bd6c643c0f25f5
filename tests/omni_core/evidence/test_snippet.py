from __future__ import annotations

from omni_core.evidence.snippet import snippet


def test_a_snippet_is_the_part_that_answers() -> None:
    text = " ".join(f"word{i}" for i in range(100)) + " the siren broke twice " + "tail " * 100
    shown = snippet(text, "broken sirens", 12)
    assert "siren" in shown
    assert shown.startswith("… ") and shown.endswith(" …")
    assert len(shown.strip("… ").split()) == 12


def test_a_short_text_is_shown_whole_and_a_long_one_from_its_start() -> None:
    assert snippet("just this", "nothing alike", 30) == "just this"
    assert snippet("a b c d e", "zzz", 3) == "a b c …"
    assert snippet("", "zzz", 3) == ""


def test_the_end_of_a_text_is_reached_without_padding() -> None:
    text = " ".join(f"w{i}" for i in range(50)) + " target"
    assert snippet(text, "target", 5) == "… w46 w47 w48 w49 target"


def test_scripts_without_spaces_are_cut_too() -> None:
    text = "今日は天気が良い。" * 50 + "東京駅で列車が遅れています。" + "また明日。" * 50
    shown = snippet(text, "東京駅", 20)
    assert "東京駅" in shown
    assert len(shown) <= 44
