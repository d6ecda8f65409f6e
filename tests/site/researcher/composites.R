# From the map of a public site to each city's composite, computed again from its published items.
# Rscript composites.R ADDRESS: ADDRESS/sitemap.xml is read first. Base R and the package jsonlite.
library(jsonlite)
address <- sub("/$", "", commandArgs(trailingOnly = TRUE)[1])
fetch <- function(url) paste(readLines(url, encoding = "UTF-8", warn = FALSE), collapse = "\n")
table_of <- function(url) {
  file <- tempfile()
  download.file(url, file, quiet = TRUE, mode = "wb")
  read.csv(if (endsWith(url, ".gz")) gzfile(file) else file, encoding = "UTF-8",
           colClasses = c(code = "character", area = "character", indicator = "character"))
}
map <- fetch(paste0(address, "/sitemap.xml"))
pages <- regmatches(map, gregexpr("(?<=<loc>)[^<]+", map, perl = TRUE))[[1]]
found <- NULL
for (page in pages) {
  block <- regmatches(fetch(page), regexpr("(?<=ld\\+json\">)[^<]+", fetch(page), perl = TRUE))
  if (length(block)) { found <- fromJSON(block); break }
}
urls <- found$distribution$contentUrl
figures <- table_of(grep("/figures\\.csv(\\.gz)?$", urls, value = TRUE)[1])
weights <- table_of(grep("/indicators\\.csv(\\.gz)?$", urls, value = TRUE)[1])
items <- weights[!is.na(weights$share), c("code", "share")]
scores <- figures[figures$area_level == "city" & figures$group == "all" & figures$measure == "score", ]
for (city in unique(scores$area)) {
  own <- scores[scores$area == city, ]
  joined <- merge(own, items, by.x = "indicator", by.y = "code")
  printed <- own$estimate[own$indicator == "composite"]
  if (nrow(joined) == nrow(items) && length(printed))
    cat(city, printed, sum(joined$estimate * joined$share), "\n")
}
