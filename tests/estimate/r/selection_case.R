# Writes the published example of Little, West, Boonstra and Hu (2020), table 1, months worked and
# live births of women in the National Survey of Family Growth: sums of the sample and what the
# authors' function `nisb` makes of them, as `case,row,column,value`.
# Needs smub_functions_V4.R and fem_comp.csv of the repository bradytwest/IndicesOfNISB in a folder.
# Run: Rscript selection_case.R folder > data/r_selection.csv
folder <- commandArgs(trailingOnly = TRUE)[1]
source(file.path(folder, "smub_functions_V4.R"))
all <- read.csv(file.path(folder, "fem_comp.csv"), header = TRUE)
auxiliary <- c("Race", "educat", "kidflag", "inccat", "marcat", "agecat", "rwrkst", "census_region")
for (name in auxiliary) all[[name]] <- factor(all[[name]])
put <- function(case, row, column, value)
  cat(sprintf("%s,%s,%s,%.12g\n", case, row, column, as.numeric(value)), sep = "")
cat("case,row,column,value\n")
for (answer in c("WRK12MOS", "FEMNUMBABES")) {
  whole <- all[complete.cases(all[, auxiliary]), ]
  z <- model.matrix(reformulate(auxiliary), whole)[, -1]
  asked <- whole$smartphone == 1
  told <- asked & !is.na(whole[[answer]])
  yz <- cbind(whole[told, answer], z[told, ])
  covariance <- var(yz)
  population <- (colMeans(z[told, ]) * sum(told) + colMeans(z[!asked, ]) * sum(!asked)) / (sum(told) + sum(!asked))
  statistics <- list(mean_YZ_selected = colMeans(yz), var_YZ_selected = covariance, n1 = sum(told))
  slope <- drop(covariance[1, -1] %*% solve(covariance[-1, -1]))
  x_population <- mean(yz[, 1]) + sum(slope * (population - colMeans(yz)[-1]))
  result <- nisb(mean_X_pop = x_population, admin_statistics_selected = statistics, intervals_at = c(0, 0.5, 1))
  for (i in seq_len(ncol(yz))) {
    put(answer, "mean", i - 1, mean(yz[, i]))
    if (i > 1) put(answer, "population", i - 2, population[i - 1])
    for (j in seq_len(i)) put(answer, paste0("covariance", i - 1), j - 1, covariance[i, j])
  }
  put(answer, "smub", 0:2, result$smub_point_est)
}
