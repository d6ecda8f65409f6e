# Writes the figures tests/estimate/test_against_r.py compares with: `case,key,value`.
# Needs R with the package survey (4.4). Run: Rscript survey_cases.R data > data/r_survey.csv
suppressMessages(library(survey))
data_dir <- commandArgs(trailingOnly = TRUE)[1]
# Factors: with text strata R 4.4.2 returns Inf under the rule adjust.
read <- function(name) read.csv(file.path(data_dir, paste0(name, ".csv")), stringsAsFactors = TRUE)
apistrat <- read("apistrat"); apiclus1 <- read("apiclus1"); apiclus2 <- read("apiclus2")
cat("case,key,value\n")
put <- function(case, key, value) cat(sprintf("%s,%s,%.17g\n", case, key, as.numeric(value)), sep = "")

put_mean <- function(case, variable, design) {
  f <- reformulate(variable)
  keep <- subset(design, !is.na(design$variables[[variable]]))
  m <- svymean(f, design, na.rm = TRUE, deff = "replace")
  put(case, "estimate", coef(m)); put(case, "se", SE(m))
  put(case, "deff_replace", deff(m))
  put(case, "deff_without", deff(suppressWarnings(svymean(f, design, na.rm = TRUE, deff = TRUE))))
  put(case, "df", degf(keep))
  ci <- confint(m, df = degf(keep)); put(case, "ci_low", ci[1]); put(case, "ci_high", ci[2])
  put(case, "n", nrow(keep)); put(case, "sum_weight", sum(weights(keep)))
}
designs <- list(
  strat = svydesign(id = ~1, strata = ~stype, weights = ~pw, data = apistrat, fpc = ~fpc),
  strat_nofpc = svydesign(id = ~1, strata = ~stype, weights = ~pw, data = apistrat),
  clus1 = svydesign(id = ~dnum, weights = ~pw, data = apiclus1, fpc = ~fpc),
  clus1_nofpc = svydesign(id = ~dnum, weights = ~pw, data = apiclus1),
  clus1_strata = svydesign(id = ~dnum, strata = ~stype, weights = ~pw, data = apiclus1, nest = TRUE),
  clus2 = svydesign(id = ~dnum, weights = ~pw, data = apiclus2),
  clus2_fpc = svydesign(id = ~dnum, weights = ~pw, data = apiclus2, fpc = ~fpc1)
)
for (name in names(designs)) {
  design <- designs[[name]]
  for (variable in c("api00", "enroll", "acs_46")) {
    put_mean(paste(name, variable, "all", sep = "|"), variable, design)
    for (stype in c("E", "H", "M")) {
      part <- subset(design, stype == get("stype", envir = globalenv()))
      if (any(!is.na(part$variables[[variable]])))
        put_mean(paste(name, variable, stype, sep = "|"), variable, part)
    }
  }
}

# One-PSU strata: 12 elementary, one high, nine middle schools.
lonely_rows <- rbind(head(subset(apistrat, stype == "E"), 12), head(subset(apistrat, stype == "H"), 1),
                     head(subset(apistrat, stype == "M"), 9))
for (rule in c("certainty", "adjust", "average")) {
  options(survey.lonely.psu = rule)
  for (fpc in c("none", "fpc")) {
    design <- if (fpc == "fpc") svydesign(id = ~1, strata = ~stype, weights = ~pw, data = lonely_rows, fpc = ~fpc)
              else svydesign(id = ~1, strata = ~stype, weights = ~pw, data = lonely_rows)
    put_mean(paste("lonely", rule, fpc, "all", sep = "|"), "api00", design)
    put_mean(paste("lonely", rule, fpc, "Yes", sep = "|"), "api00", subset(design, sch_wide == "Yes"))
  }
}
options(survey.lonely.psu = "fail")

# Shares.
for (name in c("clus1", "strat", "clus2")) for (wide in c("all", "Yes", "No")) {
  design <- designs[[name]]
  if (wide != "all") design <- subset(design, sch_wide == wide)
  for (method in c("logit", "beta", "mean")) {
    p <- svyciprop(~I(awards == "Yes"), design, method = method)
    if (coef(p) > 1e-6 && coef(p) < 1 - 1e-6) {
      case <- paste("share", name, wide, method, sep = "|")
      put(case, "estimate", coef(p)); put(case, "se", SE(p))
      put(case, "ci_low", confint(p)[1]); put(case, "ci_high", confint(p)[2])
    }
  }
}

# Differences.
for (name in c("clus1", "strat", "clus1_strata")) {
  design <- designs[[name]]
  b <- svyby(~api00, ~stype, design, svymean, covmat = TRUE)
  d <- svycontrast(b, c(E = 0, H = 1, M = -1))
  put(paste("difference", name, "H-M", sep = "|"), "difference", coef(d))
  put(paste("difference", name, "H-M", sep = "|"), "se", SE(d))
  design <- update(design, one = 1, high = as.numeric(stype == "H"), y_high = api00 * (stype == "H"))
  totals <- svytotal(~api00 + one + high + y_high, design)
  all <- svycontrast(totals, quote(y_high / high - api00 / one))
  rest <- svycontrast(totals, quote(y_high / high - (api00 - y_high) / (one - high)))
  put(paste("difference", name, "H-all", sep = "|"), "difference", coef(all))
  put(paste("difference", name, "H-all", sep = "|"), "se", SE(all))
  put(paste("difference", name, "H-rest", sep = "|"), "difference", coef(rest))
  put(paste("difference", name, "H-rest", sep = "|"), "se", SE(rest))
}

# A composite of item means, the items with different missing values.
for (name in c("clus1", "clus1_strata")) {
  design <- update(designs[[name]], r46 = as.numeric(!is.na(acs_46)), rcore = as.numeric(!is.na(acs_core)))
  design <- update(design, y46 = ifelse(is.na(acs_46), 0, acs_46), ycore = ifelse(is.na(acs_core), 0, acs_core))
  totals <- svytotal(~y46 + r46 + ycore + rcore, design)
  d <- svycontrast(totals, quote(0.3 * y46 / r46 + 0.7 * ycore / rcore))
  put(paste("composite", name, sep = "|"), "estimate", coef(d))
  put(paste("composite", name, sep = "|"), "se", SE(d))
}

# Several keys; weights of 0; two waves of the same clusters.
put_by <- function(case, design, f) {
  b <- svyby(~acs_core, f, design, svymean, na.rm = TRUE, deff = "replace")
  for (i in seq_len(nrow(b))) {
    where <- paste(case, gsub("[.]", "|", rownames(b)[i]), sep = "|")
    put(where, "estimate", b$acs_core[i]); put(where, "se", b$se[i])
    put(where, "deff_replace", b[["DEff.acs_core"]][i])
  }
}
put_by("keys|clus1", designs$clus1, ~stype + sch_wide)
put_by("keys|clus2_fpc", designs$clus2_fpc, ~stype + sch_wide)
some <- apiclus1; some$pw[seq(1, nrow(some), by = 7)] <- 0
put_by("weightless|clus1_nofpc", svydesign(id = ~dnum, weights = ~pw, data = some), ~stype)
waves <- rbind(cbind(apiclus1, year = 1, score = apiclus1$api99), cbind(apiclus1, year = 2, score = apiclus1$api00))
for (name in c("clus1_nofpc", "clus1_strata")) {
  lasting <- if (name == "clus1_nofpc") svydesign(id = ~dnum, weights = ~pw, data = waves)
             else svydesign(id = ~dnum, strata = ~stype, weights = ~pw, data = waves, nest = TRUE)
  for (stype in c("all", "H", "M")) {
    part <- if (stype == "all") lasting else subset(lasting, stype == get("stype", envir = globalenv()))
    moved <- svycontrast(svyby(~score, ~year, part, svymean, covmat = TRUE), c(-1, 1))
    case <- paste("change", name, stype, sep = "|")
    put(case, "difference", coef(moved)); put(case, "se", SE(moved))
  }
}

# Raking, to convergence.
types <- data.frame(stype = c("E", "H", "M"), Freq = c(4421, 755, 1018))
wide <- data.frame(sch_wide = c("No", "Yes"), Freq = c(1072, 5122))
raked <- rake(designs$clus1_nofpc, list(~stype, ~sch_wide), list(types, wide),
              control = list(maxit = 500, epsilon = 1e-11))
for (i in seq_len(nrow(apiclus1))) put("rake", i - 1, weights(raked)[i])

# Raking of uneven weights, cut once to 0.8 to 1.25 times their median, raked again.
uneven <- apiclus1
uneven$w <- uneven$pw * uneven$api99 / 600
control <- list(maxit = 500, epsilon = 1e-11)
before <- rake(svydesign(id = ~dnum, weights = ~w, data = uneven), list(~stype, ~sch_wide),
               list(types, wide), control = control)
middle <- median(weights(before))
uneven$w <- pmin(pmax(weights(before), middle / 1.25), middle * 1.25)
after <- rake(svydesign(id = ~dnum, weights = ~w, data = uneven), list(~stype, ~sch_wide),
              list(types, wide), control = control)
for (i in seq_len(nrow(apiclus1))) put("rake_trimmed", i - 1, weights(after)[i])
