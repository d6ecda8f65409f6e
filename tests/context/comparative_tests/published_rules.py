"""Rules of two tests as associations published them; values and models are invented.

Refrigerators: China Consumers Association, 13 July 2023, 22 models. All claim to keep food fresh
(four measurements), 13 to remove odours, 7 to kill germs; all are judged for ease of use. Published
as good are the 7 that do well in everything they claim: 4 of them claim all, 3 no killing of germs.

Sun protection: Shanghai Consumer Council, 16 September 2020, 20 products of SPF 50. Stars of the
effect: 5 have five, 5 four and a half, 4 four, 2 three, 4 two and a half. Overall 5 have five
stars and 5 three and a half or less; two of these hold too much ethylhexyl salicylate.
"""

from typing import Any

from survey.comparative_tests.rules import GradingRules, parse_rules


def _item(key: str, zh: str, group: str, weight: int, *points: tuple[int, int], **rest: Any) -> Any:
    marks = [{"value": value, "mark": mark} for value, mark in points]
    return {
        "key": key, "name": {"zh": zh, "en": key}, "group": group, "weight": weight,
        "points": marks, "method": "QB/T 5510-2021", **rest,
    }  # fmt: skip


def _grade(key: str, zh: str, from_mark: int) -> dict[str, Any]:
    return {"key": key, "name": {"zh": zh, "en": key}, "from_mark": from_mark}


def refrigerator_rules() -> GradingRules:
    """Good is what is good in all it claims: the weakest group decides."""
    norm = "GB 21551.4-2010"
    some = {"applies": "some", "method": norm, "limit_standard": norm}
    use = {"method": "T/CAS 412-2020"}
    full = ((0, 0), (100, 100))
    return parse_rules(
        {
            "characteristics": [
                _item("vitamin_c", "维生素C损失率", "保鲜", 10, (2, 100), (20, 0), unit="%"),
                _item("weight_loss", "失重率", "保鲜", 10, (2, 100), (12, 0), unit="%"),
                _item("tvbn", "TVB-N增长率", "保鲜", 10, (10, 100), (110, 0), unit="%"),
                _item("drip", "汁液流失率", "保鲜", 10, (1, 100), (11, 0), unit="%"),
                _item("odour", "除异味率", "除异味", 20, (80, 60), (100, 100), lower=80, **some),
                _item("germs", "除菌率", "除菌", 20, (90, 60), (100, 100), lower=90, **some),
                _item("handling", "便捷性", "易用性", 10, *full, **use),
                _item("structure", "结构合理性", "易用性", 5, *full, **use),
                _item("cleaning", "清洁与维护", "易用性", 5, *full, **use),
            ],
            "grades": [_grade("good", "较好", 80), _grade("other", "一般", 0)],
            "groups": [
                *({"heading": each, "combination": "mean"} for each in ("保鲜", "除异味", "除菌")),
                {"heading": "易用性", "combination": "mean"},
                {"heading": "", "combination": "weakest"},
            ],
            "decision": {"kind": "simple"},
        }
    )


def sunscreen_rules() -> GradingRules:
    """Stars by effect and feel; what breaks the limit has three and a half at most."""
    norm = "《化妆品安全技术规范》（2015年版）"
    effect = ((15, 20), (30, 50), (50, 90), (60, 100))
    return parse_rules(
        {
            "characteristics": [
                _item("salicylate", "水杨酸乙基己酯含量", "安全", 0, unit="%", method=norm,
                      limit_standard=norm, upper=5),
                _item("spf", "SPF值", "防晒效果", 70, *effect, method=norm, claim="at_least",
                      claim_tolerance=10),
                _item("feel", "肤感", "使用体验", 30, (0, 0), (100, 100), method=norm),
            ],
            "devaluations": [
                {
                    "key": "unsafe", "name": {"zh": "防晒剂超标", "en": "unsafe"},
                    "characteristic": "salicylate", "trigger": "fails", "effect": "cap",
                    "amount": "69.9",
                }
            ],
            "grades": [
                _grade("stars50", "五颗星", 90), _grade("stars45", "四颗半星", 80),
                _grade("stars40", "四颗星", 70), _grade("stars35", "三颗半星", 60),
                _grade("stars30", "三颗星", 50), _grade("stars25", "二颗半星", 0),
            ],
        }
    )  # fmt: skip
