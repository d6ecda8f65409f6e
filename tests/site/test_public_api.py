"""The API without a key answers as its description says, and tells the history of a figure."""

import gzip
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.testclient import TestClient

from survey.locale import translator
from survey.release.figures import describe_errata
from survey.site.measure_texts import define_measure
from survey.web import site_endpoints
from survey.web.routes import build_app
from tests.publish.publications.register_steps import KEY, REASON, WAVE
from tests.site.corrected_site import HIDDEN, LIFTED, SECOND, CorrectedSite

API = "/data/api/v1"
FIGURE = f"{WAVE}-{LIFTED}-composite-all-score"


@pytest.fixture
def visitor(corrected: CorrectedSite, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(site_endpoints, "PATIENCE_SECONDS", 300.0)
    with TestClient(build_app(corrected.settings), headers={"Accept-Language": "en"}) as client:
        yield client


@pytest.fixture
def description(visitor: TestClient) -> dict[str, Any]:
    answer = visitor.get(f"{API}/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    described: dict[str, Any] = answer.json()
    return described


def test_the_description_is_openapi(description: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(description).validate()
    assert description["servers"] == [{"url": "."}]
    assert "公开数据 / Open data" in description["info"]["title"]


ANSWERS = {
    "/releases": ("/releases", "/nothing"),
    "/figures/{figure}": (f"/figures/{FIGURE}", f"/figures/{WAVE}-999999-x-all-score"),
    "/figures": (f"/figures?wave={WAVE}&area={LIFTED}&measure=score&offset=1", "/figures?wave=x"),
    "/tables/{wave}/{area}.csv.gz": (f"/tables/{WAVE}/{LIFTED}.csv.gz", "/tables/x/CN.csv.gz"),
    "/tables/{wave}/{area}.jsonstat.json.gz": (
        f"/tables/{WAVE}/{LIFTED}.jsonstat.json.gz", f"/tables/{WAVE}/999999.jsonstat.json.gz",
    ),
    "/tables/{wave}/csv-metadata.json": (f"/tables/{WAVE}/csv-metadata.json",
                                         "/tables/x/csv-metadata.json"),
    "/openapi.json": ("/openapi.json", "/openapi.yaml"),
}  # fmt: skip
"""Path of the description -> an address that is there, and one that is not."""


def test_every_address_answers_as_described(
    visitor: TestClient, description: dict[str, Any]
) -> None:
    assert set(description["paths"]) == set(ANSWERS)
    for path, (there, missing) in ANSWERS.items():
        described = description["paths"][path]["get"]["responses"]
        answer = visitor.get(API + there)
        assert answer.status_code == 200, there
        ((media_type, content),) = described["200"]["content"].items()
        assert answer.headers["content-type"] == media_type
        if media_type == "application/json":
            schema = {**content["schema"], "components": description["components"]}
            Draft202012Validator(schema).validate(answer.json())
        else:
            assert gzip.decompress(answer.content)
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
        known = {"If-None-Match": answer.headers["etag"]}
        assert visitor.get(API + there, headers=known).status_code == 304
        gone = visitor.get(API + missing)
        assert gone.status_code == 404, missing
        if "content" in described.get("404", {}):
            error = {"$ref": "#/components/schemas/Error", "components": description["components"]}
            Draft202012Validator(error).validate(gone.json())


def test_a_hidden_figure_is_described_too(visitor: TestClient, description: dict[str, Any]) -> None:
    answer = visitor.get(f"{API}/figures/{WAVE}-{HIDDEN}-composite-all-score").json()
    schema = {"$ref": "#/components/schemas/HiddenFigure", "components": description["components"]}
    Draft202012Validator(schema).validate(answer)
    assert not answer["shown"]
    values = [version[name] for version in answer["history"]
              for name in ("estimate", "ci_low", "ci_high", "n")]  # fmt: skip
    assert values == [None] * 8


def test_the_history_of_a_figure_has_what_was_printed_before_and_why(
    visitor: TestClient, corrected: CorrectedSite
) -> None:
    answer = visitor.get(f"{API}/figures/{FIGURE}").json()
    before, after = answer["history"]
    printed = corrected.find_first(FIGURE).values
    assert before["release"] == KEY
    assert before["estimate"] == float(printed["estimate"])
    assert before["n"] == int(printed["n"])
    assert (after["release"], after["reason"]) == (SECOND, REASON)
    assert after["estimate"] == answer["estimate"] == before["estimate"] + 1
    assert answer["definition"] == define_measure("score")
    assert answer["verify"]["figures_sha256"] == corrected.release.sha256("figures.csv")
    unchanged = visitor.get(f"{API}/figures/{WAVE}-CN-composite-all-score").json()
    assert unchanged["history"] == []
    errata = corrected.release.manifest.errata
    assert errata is not None
    (listed,) = visitor.get(f"{API}/releases").json()
    assert listed["corrected"]["en"] == describe_errata(errata, translator("en"))


def test_an_address_has_a_rate(corrected: CorrectedSite) -> None:
    settings = corrected.settings.model_copy(update={"public_rate_per_minute": 3})
    with TestClient(build_app(settings)) as client:
        answers = [client.get(f"{API}/figures/{FIGURE}") for _ in range(40)]
    assert answers[0].status_code == 200
    limited = next(answer for answer in answers if answer.status_code == 429)
    assert int(limited.headers["retry-after"]) > 0
