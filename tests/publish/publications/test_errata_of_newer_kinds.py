"""Correction of a release that an older version built: figures that it did not know."""

from survey.release.figures import find_errata, find_figure

HEAD = "id,wave,area_level,area,indicator,group,measure,estimate,ci_low,ci_high,n,demo\n"


def line(name: str, measure: str, estimate: str) -> str:
    return f"{name},w,nation,CN,all,all,{measure},{estimate},1.0,9.0,100,\n"


OLD = (HEAD + line("w-CN-score", "score", "5.0")).encode()
FIRST = (HEAD + line("w-CN-model", "model", "6.0") + line("w-CN-score", "score", "5.1")).encode()
SECOND = (HEAD + line("w-CN-model", "model", "6.2") + line("w-CN-score", "score", "5.1")).encode()


def test_a_kind_that_the_old_release_did_not_know_is_no_erratum_of_its_correction() -> None:
    (erratum,) = find_errata(OLD, FIRST)
    assert erratum.figure == "w-CN-score"
    assert (erratum.before["estimate"], erratum.after["estimate"]) == ("5.0", "5.1")
    begins = find_figure(FIRST, "w-CN-model")
    assert begins is not None
    assert begins.values["estimate"] == "6.0"


def test_the_next_correction_names_it_before_and_after() -> None:
    (erratum,) = find_errata(FIRST, SECOND)
    assert erratum.figure == "w-CN-model"
    assert (erratum.before["estimate"], erratum.after["estimate"]) == ("6.0", "6.2")


def test_a_figure_of_a_known_kind_that_was_hidden_is_an_erratum_without_a_before() -> None:
    more = FIRST + line("w-CN-other", "score", "4.0").encode()
    assert [each.figure for each in find_errata(FIRST, more) if not each.before] == ["w-CN-other"]
