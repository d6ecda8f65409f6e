"""A template that somebody downloaded before is read after its headings were worded anew.

The headings here are those of templates that were handed out. A new one is added; none is changed.
"""

import pytest

from survey.comparative_tests.product_samples import SAMPLE_SHEET
from survey.comparative_tests.rules_workbook import (
    CHARACTERISTIC_SHEET,
    DECISION_SHEET,
    DEVALUATION_SHEET,
    GRADE_SHEET,
)
from survey.comparative_tests.value_list import VALUE_SHEET
from survey.experience_checks.venues import venue_sheet
from survey.frame.plan_workbook import AIM_SHEET, CITY_SHEET, read_pasted_rows
from survey.frame.workbook_io import WorkbookColumn, WorkbookSheet, read_sheet, write_workbook
from survey.locale import Message
from survey.waves.planning.point_staff import account_template
from survey.waves.planning.sampling_points import point_list_template
from survey.waves.planning.staff import STAFF_SHEET

HEADINGS = [
    (account_template(), "姓名|登录名|角色|工作区域|最后一天（可不填）|邮箱（可不填）"),
    (account_template(), "姓名|登录名|身份|负责范围|最后一天（可不填）|邮箱（可不填）"),
    (
        account_template(),
        "Full name|Login|Role|Area of work|Last day (may stay empty)|E-mail (may stay empty)",
    ),
    (
        point_list_template([], "zh"),
        "城市|抽样点编码|抽样点名称|类型|城镇或乡村|目标（可不填）|开始日期（可不填）|结束日期（可不填）",
    ),
    (STAFF_SHEET, "访问员登录名|抽样点编码|督导登录名（可不填）|执行机构（可不填）"),
    (
        AIM_SHEET,
        "误差要求（±百分点）|置信度（%）|设计效应|最低份数以外的分配|总份数|每份费用（元）|预算（元）|"
        "配额|备份比例（%）|60 岁及以上多问几倍|监护人多问几倍",
    ),
    (CITY_SHEET, "城市|名称|调查对象人口|问卷数|误差范围（±百分点）|人口中监护人的比例（%）"),
    (CITY_SHEET, "城市|名称|调查对象人口|份数|误差范围（±百分点）|人口中监护人的比例（%）"),
    (venue_sheet([]), "城市|场所编号|场所名称和地址|场所类型"),
    (VALUE_SHEET, "样品编号|试验项目|测得值|扩展不确定度 U|包含因子 k|检测日期"),
    (
        SAMPLE_SHEET,
        "样品编号|品牌|型号|条码（GTIN，可空）|批次|生产企业|渠道|店铺或平台|购买日期|价格（元）|"
        "购物凭证号|匿名购买",
    ),
    (
        CHARACTERISTIC_SHEET,
        "密钥|中文名称|英文名称|类别|单位|试验方法标准（含年号）|限值标准（含年号）|下限|上限|"
        "权重（%）|数值与得分，如 20:100; 40:50",
    ),
    (DEVALUATION_SHEET, "密钥|中文名称|英文名称|试验项目|适用条件|阈值|作用|数值"),
    (DEVALUATION_SHEET, "代码|中文名称|英文名称|试验项目|适用条件|阈值|作用|数额"),
    (GRADE_SHEET, "代码|中文名称|英文名称|起始得分"),
    (DECISION_SHEET, "判定规则|保护带（U 的倍数）|包含因子 k"),
]


@pytest.mark.parametrize(("sheet", "headings"), HEADINGS, ids=lambda value: str(value)[:40])
def test_a_file_with_the_headings_of_any_version_is_read(
    sheet: WorkbookSheet, headings: str
) -> None:
    titles = headings.split("|")
    keys = [column.key for column in sheet.columns]
    columns = tuple(WorkbookColumn(title, Message(title)) for title in titles)
    # What a template got later is optional, and stands after the others.
    row = [f"cell {key}" for key in keys[: len(titles)]]
    content = write_workbook([WorkbookSheet(sheet.name, columns, [row])], "zh")
    listed = read_sheet("old.xlsx", content, sheet)
    (read,), errors = listed.rows, listed.errors
    later = {column.key: None for column in sheet.columns[len(titles) :] if column.is_optional}
    expected = {**dict(zip(keys, row, strict=False)), **later}
    assert list(expected) == keys
    assert (read.cells, errors) == (expected, [])
    (pasted,) = read_pasted_rows("\n".join(["\t".join(titles), "\t".join(row)]), sheet).rows
    assert pasted.cells == {**expected, **dict.fromkeys(later, "")}
