# Writes the figures tests/estimate/test_measurement_against_r.py compares with: `case,key,value`.
# Needs R with lavaan (0.6-19), psych (2.4), survey (4.4), MASS.
# Run: Rscript measurement_cases.R data > data/r_measurement.csv
suppressMessages({library(lavaan); library(psych); library(survey); library(MASS)})
data_dir <- commandArgs(trailingOnly = TRUE)[1]
hs <- read.csv(file.path(data_dir, "holzinger.csv"))
items <- paste0("x", 1:9)
cat("case,key,value\n")
put <- function(case, key, value)
  cat(sprintf("%s,%s,%.17g\n", case, key, as.numeric(value)), sep = "")
model <- "visual =~ x1 + x2 + x3
          textual =~ x4 + x5 + x6
          speed =~ x7 + x8 + x9"
ml <- function(...) cfa(model, ..., std.lv = TRUE, sample.cov.rescale = FALSE)
weighted <- function(rows) {
  w <- rows$weight; y <- as.matrix(rows[items])
  mean <- colSums(w * y) / sum(w)
  list(mean = mean, cov = crossprod(sweep(y, 2, mean) * sqrt(w)) / sum(w))
}
all_rows <- weighted(hs)

# Reliability from weighted covariances.
for (own in list(visual = items[1:3], speed = items[7:9], six = items[1:6], whole = items)) {
  case <- paste("reliability", paste(own, collapse = "+"), sep = "|")
  s <- all_rows$cov[own, own]
  a <- suppressWarnings(alpha(s, check.keys = FALSE))
  put(case, "alpha", a$total$raw_alpha)
  put(case, paste0("dropped_", own), a$alpha.drop$raw_alpha)
  odd <- seq(1, length(own), 2); even <- seq(2, length(own), 2)
  r <- sum(s[odd, even]) / sqrt(sum(s[odd, odd]) * sum(s[even, even]))
  put(case, "split_half", 2 * r / (1 + r))
  for (item in own) {
    rest <- setdiff(own, item)
    put(case, paste0("rest_", item), sum(s[item, rest]) / sqrt(s[item, item] * sum(s[rest, rest])))
  }
  one <- cfa(paste("f =~", paste(own, collapse = " + ")), sample.cov = s, sample.nobs = nrow(hs),
             std.lv = TRUE, sample.cov.rescale = FALSE)
  put(case, "omega", 1 - sum(diag(lavInspect(one, "est")$theta)) / sum(s))
  # psych standardises, and stops its search earlier.
  fm <- fa(cov2cor(s), 1, fm = "ml", n.obs = nrow(hs))
  put(case, "omega_psych", 1 - sum(fm$uniquenesses) / sum(cov2cor(s)))
}

# Errors of weighted covariances in strata and PSUs, as lavaan.survey takes them.
centred <- sweep(as.matrix(hs[items]), 2, all_rows$mean)
pairs <- which(lower.tri(diag(9), diag = TRUE), arr.ind = TRUE)
products <- centred[, pairs[, 1]] * centred[, pairs[, 2]]
colnames(products) <- paste0("v", seq_len(ncol(products)))
design <- svydesign(id = ~psu, strata = ~school, weights = ~weight, nest = TRUE,
                    data = cbind(hs, products))
spread <- vcov(svymean(reformulate(colnames(products)), design))
robust <- ml(sample.cov = all_rows$cov, sample.nobs = nrow(hs), estimator = "MLM",
             NACOV = spread * nrow(hs), meanstructure = FALSE)
plain <- ml(sample.cov = all_rows$cov, sample.nobs = nrow(hs))
for (kind in c("plain", "robust")) {
  fitted <- get(kind)
  names <- if (kind == "plain") c("chisq", "df", "cfi", "tli", "rmsea", "srmr")
           else c("chisq.scaled", "df", "cfi.robust", "tli.robust", "rmsea.robust", "srmr")
  put(paste0("model|", kind), c("chi2", "df", "cfi", "tli", "rmsea", "srmr"), fitMeasures(fitted, names))
  loadings <- subset(parameterEstimates(fitted), op == "=~")
  put(paste0("model|", kind), paste0("loading_", loadings$rhs), loadings$est)
  if (kind == "robust") put("model|robust", paste0("se_", loadings$rhs), loadings$se)
  put(paste0("model|", kind), paste0("standardised_", items),
      subset(standardizedSolution(fitted), op == "=~")$est.std)
  psi <- lavInspect(fitted, "est")$psi
  put(paste0("model|", kind), c("phi_12", "phi_13", "phi_23"), psi[lower.tri(psi)])
}

# Invariance over the two schools.
schools <- lapply(split(hs, hs$school), weighted)
moments <- list(cov = lapply(schools, `[[`, "cov"), mean = lapply(schools, `[[`, "mean"),
                n = as.numeric(table(hs$school)))
equal <- list(configural = character(), metric = "loadings", scalar = c("loadings", "intercepts"))
for (level in names(equal)) {
  fitted <- ml(sample.cov = moments$cov, sample.mean = moments$mean, sample.nobs = moments$n,
               group.equal = equal[[level]], meanstructure = TRUE)
  put(paste0("invariance|", level), c("chi2", "df", "p", "cfi", "tli", "rmsea"),
      fitMeasures(fitted, c("chisq", "df", "pvalue", "cfi", "tli", "rmsea")))
}

# Ordinal logistic model with the band of the rest score as a factor, and the group.
counts <- read.csv(file.path(data_dir, "ordinal_counts.csv"))
counts$answer <- ordered(counts$answer); counts$band <- factor(counts$band); counts$group <- factor(counts$group)
whole <- polr(answer ~ band + group, weights = n, data = counts, control = list(reltol = 1e-15, maxit = 2000))
null <- polr(answer ~ band, weights = n, data = counts, control = list(reltol = 1e-15, maxit = 2000))
put("ordinal", "group_b", coef(whole)["groupb"]); put("ordinal", "group_c", coef(whole)["groupc"])
put("ordinal", "deviance", null$deviance - whole$deviance)
