# lme4 as it comes: a point estimate (REML), no posterior.
#
#   Rscript lme4.R DATA FOLDER SEED
given <- commandArgs(trailingOnly = TRUE)
suppressPackageStartupMessages(library(lme4))
rows <- data.table::fread(given[1], data.table = FALSE)

begun <- proc.time()[["elapsed"]]
fit <- lmer(y ~ x + (1 + x | g), rows)
seconds <- proc.time()[["elapsed"]] - begun

between <- VarCorr(fit)$g
estimate <- data.frame(
  0, 0, fixef(fit)[["(Intercept)"]], fixef(fit)[["x"]],
  attr(between, "stddev")[["(Intercept)"]], attr(between, "stddev")[["x"]],
  attr(between, "correlation")[1, 2], sigma(fit)
)
names(estimate) <- c(
  "chain", "draw", "beta[Intercept]", "beta[x]", "sd[Intercept]", "sd[x]", "cor", "sigma"
)
write.csv(estimate, file.path(given[2], "draws.csv"), row.names = FALSE)
cat(
  sprintf(
    '{"fit_seconds": %f, "divergences": null, "versions": "lme4 %s, R %s"}',
    seconds, packageVersion("lme4"), getRversion()
  ),
  file = file.path(given[2], "result.json")
)
