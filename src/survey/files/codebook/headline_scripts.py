"""Scripts for R, Stata and Python that compute the headline from an exported file.

From an exact file they give the stored figure before it is rounded, from the ordinary one a figure
as near as the file says. Only characters that need no escape go into the programs: names of
columns are quoted, and a title stands in a comment of one line.
"""

from survey.files.codebook.codebook import Codebook, Headline

_R = """# {title}
# Rscript headline.R rows.csv [city code]: composite and standard error (package survey).
suppressMessages(library(survey))
arguments <- commandArgs(trailingOnly = TRUE)
lines <- readLines(arguments[1], encoding = "UTF-8", warn = FALSE)
lines[1] <- sub("^\\ufeff", "", lines[1])
first <- grep("^row,", lines)[1]
rows <- read.csv(text = lines[first:length(lines)], colClasses = c(psu = "character"),
                 check.names = FALSE)
shares <- c({shares})
scores <- as.matrix(rows[, names(shares)])
scores[scores < {minimum}] <- NA
scores <- (scores - {minimum}) / ({maximum} - {minimum}) * 100
in_area <- if (length(arguments) > 1) rows$city_code == arguments[2] else TRUE
scores[!in_area, ] <- NA
rows$city_stratum <- as.integer(factor(paste(rows$city_code, rows$stratum)))
options(survey.lonely.psu = "{lonely}")
{estimate}
cat(sprintf("%.12f %.12f\\n", composite, error))
"""
_R_ITEM_MEANS = """# Composite of item means; its error by linearisation over the whole design.
weights <- rows$weight * !is.na(scores)
means <- colSums(rows$weight * scores, na.rm = TRUE) / colSums(weights)
composite <- sum(shares * means)
parts <- t((t(scores) - means) / colSums(weights) * shares)
rows$linearised <- rowSums(parts, na.rm = TRUE)
design <- svydesign(id = ~psu, strata = ~city_stratum, weights = ~weight, data = rows,
                    nest = TRUE)
error <- as.numeric(SE(svytotal(~linearised, subset(design, rowSums(!is.na(scores)) > 0))))"""
_R_PEOPLE = """# Each person's own composite over the items answered, then the mean.
answered <- t(t(!is.na(scores)) * shares)
rows$own <- rowSums(t(t(scores) * shares), na.rm = TRUE) / rowSums(answered)
design <- svydesign(id = ~psu, strata = ~city_stratum, weights = ~weight, data = rows,
                    nest = TRUE)
result <- svymean(~own, subset(design, !is.na(rows$own)))
composite <- as.numeric(result)
error <- as.numeric(SE(result))"""

_PYTHON = '''# {title}
"""python headline.py rows.parquet [city code]: the composite (pandas; .csv works as well)."""

import sys

import pandas as pd

SHARES = {{{shares}}}
path = sys.argv[1]
if path.endswith(".csv"):
    with open(path, encoding="utf-8-sig") as file:
        above = next(place for place, line in enumerate(file) if line.startswith("row,"))
    rows = pd.read_csv(path, skiprows=above, encoding="utf-8-sig", dtype={{"city_code": str}})
else:
    rows = pd.read_parquet(path)
if len(sys.argv) > 2:
    rows = rows[rows["city_code"] == sys.argv[2]]
scores = rows[list(SHARES)].astype("float64")
scores = (scores.where(scores >= {minimum}) - {minimum}) / ({maximum} - {minimum}) * 100
weights, shares = rows["weight"], pd.Series(SHARES)
{estimate}
print(f"{{composite:.12f}}")
'''
_PYTHON_ITEM_MEANS = """answered = scores.notna().mul(weights, axis=0).sum()
means = scores.mul(weights, axis=0).sum() / answered
composite = (means * shares).sum()"""
_PYTHON_PEOPLE = """own = (scores * shares).sum(axis=1) / (scores.notna() * shares).sum(axis=1)
composite = (own * weights)[own.notna()].sum() / weights[own.notna()].sum()"""

_STATA = """* {title}
* do headline.do rows.dta: the composite (Stata 14 and later). Missing values are .a to .e.
version 14
use "`1'", clear
egen stratum_id = group(city_code stratum)
egen psu_id = group(psu)
svyset psu_id [pweight = weight], strata(stratum_id) singleunit({lonely})
{estimate}
"""
_STATA_LONELY = {"adjust": "centered", "certainty": "certainty", "average": "scaled"}


def headline_scripts(codebook: Codebook) -> dict[str, str]:
    """Return `file name -> script` for the composite in R, Python and Stata; empty without it."""
    headline = codebook.headline
    if not headline.shares:
        return {}
    title = " ".join(codebook.title.split())
    numbers = {"minimum": f"{headline.minimum:g}", "maximum": f"{headline.maximum:g}"}
    shares = [(_quote_name(name), repr(share)) for name, share in headline.shares.items()]
    people = headline.is_mean_of_people
    return {
        "headline.R": _R.format(
            title=title,
            shares=", ".join(f"{name} = {share}" for name, share in shares),
            lonely=headline.lonely_psu,
            estimate=_R_PEOPLE if people else _R_ITEM_MEANS,
            **numbers,
        ),
        "headline.py": _PYTHON.format(
            title=title,
            shares=", ".join(f"{name}: {share}" for name, share in shares),
            estimate=_PYTHON_PEOPLE if people else _PYTHON_ITEM_MEANS,
            **numbers,
        ),
        "headline.do": _STATA.format(
            title=title,
            lonely=_STATA_LONELY.get(headline.lonely_psu, "missing"),
            estimate=_build_stata_lines(headline),
        ),
    }


def _quote_name(name: str) -> str:
    """Return a column name as a quoted string that R and Python read alike."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _build_stata_lines(headline: Headline) -> str:
    """Return Stata commands that compute the composite, from item means or one score per person."""
    span = f"({headline.maximum:g} - {headline.minimum:g})"
    lines = ["scalar composite = 0"]
    if headline.is_mean_of_people:
        lines = ["generate double total = 0", "generate double answered = 0"]
    for column, share in headline.shares.items():
        name = headline.names[column]
        score = f"({name} - {headline.minimum:g}) / {span} * 100"
        if headline.is_mean_of_people:
            lines += [
                f"replace total = total + {share!r} * {score} if !missing({name})",
                f"replace answered = answered + {share!r} if !missing({name})",
            ]
        else:
            lines += [
                f"quietly svy: mean {name}",
                "scalar composite = composite + "
                f"{share!r} * (_b[{name}] - {headline.minimum:g}) / {span} * 100",
            ]
    if headline.is_mean_of_people:
        return "\n".join([*lines, "generate double own = total / answered", "svy: mean own"])
    return "\n".join([*lines, "display %16.12f composite"])
