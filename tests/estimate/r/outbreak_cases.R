# Writes what tests/estimate/test_outbreaks.py compares with: `series,expected,dispersion`.
# Needs R with the package surveillance. Run: Rscript outbreak_cases.R data > data/r_surveillance.csv
suppressMessages(library(surveillance))
data_dir <- commandArgs(trailingOnly = TRUE)[1]
counts <- as.matrix(read.csv(file.path(data_dir, "weekly_counts.csv")))
weeks <- nrow(counts)
series <- sts(counts, start = c(2020, 1), frequency = 52,
              epoch = as.numeric(as.Date("2019-12-30") + 7 * (seq_len(weeks) - 1)), epochAsDate = TRUE)
result <- farringtonFlexible(series, list(
  range = weeks, b = 4, w = 3, noPeriods = 10, pastWeeksNotIncluded = 26, trend = TRUE,
  pThresholdTrend = 1, reweight = TRUE, weightsThreshold = 2.58, thresholdMethod = "nbPlugin",
  alpha = 0.01, limit54 = c(0, 4)))
cat("series,expected,upper\n")
for (i in seq_len(ncol(counts)))
  cat(sprintf("%s,%.10g,%.10g\n", colnames(counts)[i], result@control$expected[1, i], result@upperbound[1, i]))
