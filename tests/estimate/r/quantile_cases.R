# Writes what tests/estimate/test_quantiles.py and test_association.py compare with:
# `case,key,value`. Needs R with the package survey (4.4).
# Run: Rscript quantile_cases.R data > data/r_quantiles.csv
suppressMessages(library(survey))
data_dir <- commandArgs(trailingOnly = TRUE)[1]
read <- function(name) read.csv(file.path(data_dir, paste0(name, ".csv")), stringsAsFactors = TRUE)
apistrat <- read("apistrat"); apiclus1 <- read("apiclus1"); apiclus2 <- read("apiclus2")
cat("case,key,value\n")
put <- function(case, key, value) cat(sprintf("%s,%s,%.17g\n", case, key, as.numeric(value)), sep = "")
# Weights that are no round numbers, so that no share meets a quarter by the luck of rounding.
for (name in c("apistrat", "apiclus1", "apiclus2")) {
  frame <- get(name); frame$w <- frame$pw * (1 + frame$api99 / 3000); assign(name, frame)
}
designs <- list(
  strat = svydesign(id = ~1, strata = ~stype, weights = ~w, data = apistrat, fpc = ~fpc),
  clus1 = svydesign(id = ~dnum, weights = ~w, data = apiclus1),
  clus1_strata = svydesign(id = ~dnum, strata = ~stype, weights = ~w, data = apiclus1, nest = TRUE),
  clus2 = svydesign(id = ~dnum, weights = ~w, data = apiclus2)
)
options(survey.lonely.psu = "adjust")
for (name in names(designs)) for (variable in c("api00", "enroll", "acs_46")) {
  part <- subset(designs[[name]], !is.na(designs[[name]]$variables[[variable]]))
  q <- svyquantile(reformulate(variable), part, c(0.25, 0.5, 0.75), df = degf(part))[[1]]
  for (p in rownames(q)) {
    case <- paste("quantile", name, variable, p, sep = "|")
    put(case, "estimate", q[p, 1]); put(case, "ci_low", q[p, 2]); put(case, "ci_high", q[p, 3])
  }
}
for (name in names(designs)) for (pair in list(c("stype", "sch_wide"), c("awards", "stype"), c("sch_wide", "awards"))) {
  design <- designs[[name]]
  test <- try(suppressWarnings(svychisq(reformulate(pair), design)), silent = TRUE)
  if (!inherits(test, "try-error")) {
    case <- paste("test", name, pair[1], pair[2], sep = "|")
    put(case, "statistic", test$statistic); put(case, "ndf", test$parameter[1])
    put(case, "ddf", test$parameter[2]); put(case, "p", test$p.value)
  }
}
