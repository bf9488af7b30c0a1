# Writes wrs2.tsv: what WRS2 and R itself make of some values, in the columns that make.py describes.
#
#     Rscript make.R        # R 4.2.2, WRS2 1.1-7: install.packages("WRS2")

library(WRS2)

text <- function(values) paste(sprintf("%.17g", values), collapse = " ")

line <- function(source, rule, x, expected) {
  paste(source, rule, length(x), text(x), text(expected), "1e-13", sep = "\t")
}

# WRS2 and R count the values at an end as the integer part of tr * n.
of_values <- function(x) {
  lines <- line("R median", "median", x, median(x))
  for (tr in c(0, 0.1, 0.2, 0.35, 0.45)) {
    k <- floor(tr * length(x))
    percent <- sprintf("winsorized:%g%%:truncated", 100 * tr)
    lines <- c(
      lines,
      line("WRS2 winmean", percent, x, winmean(x, tr = tr)),
      line("WRS2 winmean", sprintf("winsorized:%d", k), x, winmean(x, tr = tr)),
      line("R mean, trim", sprintf("trimmed:%d", k), x, mean(x, trim = tr))
    )
  }
  lines
}

set.seed(20260101)
samples <- list(
  c(1, 2, 2, 2, 3, 50),
  c(-1e6, -3, -3, 0, 0, 1, 1e6),
  round(rt(9, df = 2), 4),
  round(rt(24, df = 2), 4),
  round(rexp(41), 3)
)
writeLines(unlist(lapply(samples, of_values)), "wrs2.tsv")
