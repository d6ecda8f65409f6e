# Writes the figures that tests/estimate/test_case_mix.py compares with: `item,city,key,value`.
# Needs R with the package survey (4.4). Run: Rscript case_mix.R data/case_mix.csv > data/r_case_mix.csv
suppressMessages(library(survey))
d <- read.csv(commandArgs(trailingOnly = TRUE)[1], stringsAsFactors = TRUE)
d$city <- factor(d$city)
cat("item,city,key,value\n")
put <- function(item, city, key, value) cat(sprintf("%s,%s,%s,%.17g\n", item, city, key, value), sep = "")
for (item in c("y1", "y2")) {
  whole <- svydesign(id = ~point, strata = ~stratum, weights = ~w, data = d, nest = TRUE)
  scored <- subset(whole, !is.na(whole$variables[[item]]))
  model <- svyglm(reformulate(c("0", "city", "age", "school", "mode"), item), scored)
  own <- model$data
  w <- weights(scored)[!is.na(own[[item]])]
  beta <- coef(model); x <- model.matrix(model)
  put(item, "CN", "effect_mode", beta["modeself"])
  put(item, "CN", "effect_mode_se", SE(model)["modeself"])
  # Influence of each row on the coefficients: naive.cov is the inverse of X'WX in svyglm's scale.
  bread <- solve(crossprod(x * sqrt(w)))
  influence <- (x * (w * (own[[item]] - as.vector(x %*% beta)))) %*% bread
  is_city <- grepl("^city", colnames(x))
  rest <- !is_city
  nation <- colSums(x[, rest] * w) / sum(w)
  for (city in levels(d$city)) {
    # Everybody asked in this city: predicted and averaged over the nation's people.
    there <- own; there$city <- factor(city, levels = levels(d$city))
    fitted <- as.vector(predict(model, newdata = there, se.fit = FALSE))
    adjusted <- sum(w * fitted) / sum(w)
    at <- own$city == city
    raw <- sum((w * own[[item]])[at]) / sum(w[at])
    gradient <- as.numeric(colnames(x) == paste0("city", city)); gradient[rest] <- nation
    z <- influence %*% gradient + w * (fitted - adjusted) / sum(w)
    z_raw <- ifelse(at, w * (own[[item]] - raw) / sum(w[at]), 0)
    # Totals of linearised values: rows without a score count as zeros.
    full <- numeric(nrow(d)); full_raw <- full
    kept <- !is.na(d[[item]])
    full[kept] <- z / w; full_raw[kept] <- z_raw / w
    design <- update(whole, z = full, shift = full_raw - full)
    put(item, city, "adjusted", adjusted)
    put(item, city, "shift", raw - adjusted)
    put(item, city, "adjusted_se", SE(svytotal(~z, design)))
    put(item, city, "shift_se", SE(svytotal(~shift, design)))
  }
}
