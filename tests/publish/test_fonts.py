"""Chinese text in exported pictures does not depend on luck."""

import pytest
import vl_convert

from survey.publish import fonts
from survey.publish.chart_engine import chart_family
from survey.publish.fonts import Font, chinese_font


def test_the_packaged_face_is_found_and_is_a_font() -> None:
    font = chinese_font()
    assert font.covers_chinese
    assert font.source == "package"
    assert font.file is not None
    assert font.file.read_bytes()[:4] in {b"OTTO", b"\x00\x01\x00\x00"}


def test_without_any_face_this_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_find_packaged_font", lambda: None)
    monkeypatch.setattr(fonts, "_find_system_font", lambda: None)
    chinese_font.cache_clear()
    try:
        assert chinese_font() == Font("", "none")
        assert not chinese_font().covers_chinese
    finally:
        chinese_font.cache_clear()


def test_chinese_glyphs_are_drawn_not_boxes() -> None:
    """Two different characters give two different pictures; missing glyphs would be alike."""

    def drawn(text: str) -> bytes:
        spec = {
            "data": {"values": [{"t": text}]},
            "mark": {"type": "text", "fontSize": 40},
            "encoding": {"text": {"field": "t"}},
            "config": {"font": chart_family()},
        }
        return bytes(vl_convert.vegalite_to_png(spec))

    assert drawn("费") != drawn("满")
