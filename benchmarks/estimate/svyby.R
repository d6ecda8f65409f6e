# Seconds for svyby over the cities of one group: Rscript svyby.R wave.csv ITEMS
suppressMessages(library(survey))
arguments <- commandArgs(trailingOnly = TRUE)
wave <- read.csv(arguments[1], stringsAsFactors = TRUE)
items <- names(wave)[seq_len(as.integer(arguments[2]))]
options(survey.lonely.psu = "adjust")
design <- svydesign(id = ~point, strata = ~stratum, weights = ~weight, data = wave, nest = TRUE)
women <- subset(design, gender == "f")
took <- system.time(for (item in items)
  svyby(reformulate(item), ~city, women, svymean, na.rm = TRUE, deff = "replace"))
cat(took[["elapsed"]], "\n")
