"""Mapping of a file of counts on the page of outside data: what its columns mean, corrected."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

import streamlit as st

from survey.collection.importing.kept_mappings import MAX_NAME_CHARS
from survey.collection.importing.mapping_documents import MAX_HEAD_ROW, write_mapping_json
from survey.counts.bringing_in.mapped_table import list_heads, list_texts, list_unknown_texts
from survey.counts.bringing_in.proposal import spread_over
from survey.counts.bringing_in.saved_mappings import keep_count_mapping
from survey.counts.bringing_in.table_mapping import Condition, Spread, TableMapping
from survey.counts.count_declaration import CountKind
from survey.frame.code_lists import CodeListName, shipped_code_lists
from survey.kit.download_button import File, draw_download_button, name_file
from survey.kit.feedback import run_change, show_feedback
from survey.kit.page_runner import PageContext
from survey.locale import SurveyError

_NOWHERE, _FOR_ALL = "-", "="
READ = "outside/read"
"""What was read of the uploaded file, by what was asked; dropped with the file."""
_SLOT = "outside/mapping"
T = TypeVar("T")
_UNITS = (1, 1_000, 10_000, 100_000_000)


class MappingEditor:
    """Selectors of one file's mapping; `draw` returns the mapping when a person applies it."""

    def __init__(
        self, page: PageContext, kind: CountKind, content: bytes, current: TableMapping, key: str
    ) -> None:
        self.page, self.kind, self.content, self.current = page, kind, content, current
        self.key = f"outside/map/{key}"
        self.t = page.t

    def draw(self, sheets: Sequence[str], version: str) -> TableMapping | None:
        """Draw the selectors and return the mapping as chosen, once its button is pressed."""
        t = self.t
        st.caption(
            t(
                "Say which column of the file gives what. Columns that are not named here are not "
                "read at all."
            )
        )
        placed = self._pick_heads(sheets)
        try:
            heads = remember((self.key, placed), lambda: list_heads(self.content, placed))
        except SurveyError as error:
            st.warning(t(error.message))
            return None
        columns, constants = self._pick_columns(heads)
        spread = None if self.current.cases is not None else self._pick_spread(placed, heads)
        cases = None if self.current.cases is None else self._pick_cases(placed, heads)
        units = self._pick_units(columns)
        blank = st.checkbox(
            t("An empty cell or a dash means 0"),
            value=self.current.blank_is_zero,
            key=f"{self.key}/blank",
        )
        chosen = placed.model_copy(
            update={
                "columns": columns,
                "constants": constants,
                "spread": spread,
                "cases": cases,
                "units": units,
                "blank_is_zero": blank,
            }
        )
        chosen = chosen.model_copy(update={"codes": self._pick_codes(chosen, version)})
        pressed = st.button(t("Read the file this way"), key=f"{self.key}/apply")
        return chosen if pressed else None

    def _pick_heads(self, sheets: Sequence[str]) -> TableMapping:
        t, sheet = self.t, self.current.sheet
        with st.container(horizontal=True):
            if len(sheets) > 1:
                sheet = st.selectbox(
                    t("Worksheet"),
                    sheets,
                    index=sheets.index(sheet) if sheet in sheets else 0,
                    key=f"{self.key}/sheet",
                )
            row = st.number_input(
                t("Row of the heads"), 1, MAX_HEAD_ROW, self.current.head_row, key=f"{self.key}/row"
            )
            rows = st.number_input(
                t("Rows that the heads take"), 1, 2, self.current.head_rows, key=f"{self.key}/rows"
            )
        placed = {"sheet": sheet, "head_row": int(row), "head_rows": int(rows)}
        return self.current.model_copy(update=placed)

    def _pick_columns(self, heads: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
        """Draw, for each key and measure, the column that gives it; return columns, constants."""
        t = self.t
        columns: dict[str, str] = {}
        constants: dict[str, str] = {}
        names = [
            name
            for name in (*self.kind.keys, *self.kind.measures)
            if self.current.cases is None or name in self.kind.keys or name in self.kind.money
        ]
        sides = [side for _ in names[::2] for side in st.columns(2)]
        for name, side in zip(names, sides, strict=False):
            with side:
                given = self.current.columns.get(name, "")
                otherwise = _FOR_ALL if name in self.current.constants else _NOWHERE
                options: list[str] = [_NOWHERE, _FOR_ALL, *heads]
                chosen = st.selectbox(
                    self._name(name),
                    options,
                    index=options.index(given if given in heads else otherwise),
                    format_func=self._name_source,
                    key=f"{self.key}/column/{name}",
                )
                if chosen == _FOR_ALL:
                    text = st.text_input(
                        t("{name}: the same for all rows", name=self._name(name)),
                        value=self.current.constants.get(name, ""),
                        max_chars=200,
                        key=f"{self.key}/constant/{name}",
                    )
                    constants[name] = (text or "").strip()
                elif chosen != _NOWHERE:
                    columns[name] = chosen
        return columns, constants

    def _name(self, name: str) -> str:
        return self.kind.columns[name].names[0]

    def _name_source(self, option: str) -> str:
        t = self.t
        fixed = {_NOWHERE: t("not in a column of its own"), _FOR_ALL: t("the same for all rows")}
        return fixed.get(option, option)

    def _pick_spread(self, placed: TableMapping, heads: Sequence[str]) -> Spread | None:
        t, spread = self.t, self.current.spread
        options = [_NOWHERE, *self.kind.keys]
        key = st.selectbox(
            t("Columns that stand side by side, one for each"),
            options,
            index=options.index(spread.key) if spread else 0,
            format_func=lambda each: t("none") if each == _NOWHERE else self._name(each),
            key=f"{self.key}/spread",
        )
        if key == _NOWHERE:
            return None
        known = [each.column for each in spread.columns] if spread else []
        chosen = st.multiselect(
            t("These columns"),
            heads,
            default=[head for head in known if head in heads],
            key=f"{self.key}/spread/columns",
        )
        if spread is not None and key == spread.key and chosen == known:
            return spread
        return spread_over(self.kind, self.content, placed, key, chosen)

    def _pick_units(self, columns: Mapping[str, str]) -> dict[str, int]:
        t = self.t
        names = {
            1: t("yuan"), 1_000: t("thousand yuan"), 10_000: t("ten thousand yuan"),
            100_000_000: t("hundred million yuan"),
        }  # fmt: skip
        units = {}
        for name in sorted(self.kind.money & columns.keys()):
            unit = self.current.units.get(name, 1)
            units[name] = st.selectbox(
                t("Unit of {name}", name=self._name(name)),
                _UNITS,
                index=_UNITS.index(unit) if unit in _UNITS else 0,
                format_func=names.__getitem__,
                key=f"{self.key}/unit/{name}",
            )
        return {name: unit for name, unit in units.items() if unit != 1}

    def _pick_cases(self, placed: TableMapping, heads: Sequence[str]) -> dict[str, Condition]:
        """Draw, for each measure, the column and its texts by which a case counts for it."""
        t = self.t
        conditions = {}
        for name in self.kind.measures:
            if name in self.kind.money:
                continue
            known = (self.current.cases or {}).get(name)
            options = [_NOWHERE, *heads]
            head = st.selectbox(
                t("{name}: a case counts by", name=self._name(name)),
                options,
                index=options.index(known.column) if known and known.column in heads else 0,
                format_func=self._name_condition,
                key=f"{self.key}/case/{name}",
            )
            if head == _NOWHERE:
                continue
            texts = self._texts(placed, [head]).get(head, ())
            given = known.yes if known and known.column == head else []
            yes = st.multiselect(
                t("{name}: it counts if the column says", name=self._name(name)),
                dict.fromkeys((*texts, *given)),
                default=given,
                key=f"{self.key}/case/{name}/yes",
                format_func=lambda text: text or t("(empty)"),
            )
            if yes:
                no = [*texts, *(known.no if known and known.column == head else [])]
                rest = [text for text in dict.fromkeys(no) if text not in yes]
                conditions[name] = Condition(column=head, yes=yes, no=rest)
        return conditions

    def _name_condition(self, option: str) -> str:
        return self.t("no column") if option == _NOWHERE else option

    def _texts(self, placed: TableMapping, heads: Sequence[str]) -> dict[str, tuple[str, ...]]:
        rows = (placed.sheet, placed.head_row, placed.head_rows)
        return remember(
            (self.key, rows, tuple(heads)), lambda: list_texts(self.content, placed, heads)
        )

    def _pick_codes(self, chosen: TableMapping, version: str) -> dict[str, dict[str, str]]:
        """Draw, for each text that no code is known for, the code that it stands for."""
        t, codes = self.t, {name: dict(texts) for name, texts in self.current.codes.items()}
        heads = [chosen.columns[key] for key in self.kind.codes if key in chosen.columns]
        found = self._texts(chosen, heads)
        unknown = list_unknown_texts(self.kind, chosen, found, version)
        if unknown:
            st.markdown(t("These texts are in no code list. What does each stand for?"))
        for key, texts in unknown.items():
            names = {_NOWHERE: t("not decided")}
            for each in shipped_code_lists().codes_of(CodeListName(key), version):
                names[each.code] = each.name(self.page.language)
            for text in texts:
                code = st.selectbox(
                    f"{self._name(key)}: {text}",
                    list(names),
                    format_func=names.__getitem__,
                    key=f"{self.key}/code/{key}/{text}",
                )
                if code != _NOWHERE:
                    codes.setdefault(key, {})[text] = code
        return codes


def remember(key: object, make: Callable[[], T]) -> T:
    """Return what `make` returned for this key; the file is not read again at every press."""
    known = st.session_state.setdefault(READ, {})
    name = repr(key)
    if name not in known:
        known[name] = make()
    found: T = known[name]
    return found


def draw_keeping(page: PageContext, kind: CountKind, mapping: TableMapping) -> None:
    """Draw the name under which a mapping is kept, and the mapping as a file."""
    t = page.t
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            t("Name under which to keep this mapping"),
            key="outside/mapping-name",
            max_chars=MAX_NAME_CHARS,
        )
        if st.button(
            t("Save mapping"), key="outside/mapping-save", disabled=not (name or "").strip()
        ):
            run_change(
                page,
                partial(keep_count_mapping, kind=kind, name=name or "", mapping=mapping),
                done=t("Saved. Everybody who delivers such files can use it."),
                slot=_SLOT,
            )
        draw_download_button(
            page,
            t("Mapping as a file"),
            File(
                name_file(page, "mapping", "json"),
                "application/json",
                partial(write_mapping_json, mapping),
            ),
            key="outside/mapping-file",
        )
    show_feedback(page, _SLOT, toast=True)
