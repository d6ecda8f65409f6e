"""The typeface of charts, reports and printed sheets: Noto Sans SC (SIL Open Font License)."""

from pathlib import Path

FONT_FAMILY = "Noto Sans SC"
FONT_FILE = Path(__file__).with_name("NotoSansSC-Regular.otf")
