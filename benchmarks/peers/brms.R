# brms as it comes: its own priors, Stan's sampler. Stan's C++ is compiled in every fit.
#
#   Rscript brms.R DATA FOLDER SEED
given <- commandArgs(trailingOnly = TRUE)
suppressPackageStartupMessages(library(brms))
# Debian has Boost itself where R's BH would bring a copy.
if (!nzchar(system.file("include", package = "BH"))) rstan::rstan_options(boost_lib = "/usr/include")
rows <- data.table::fread(given[1], data.table = FALSE)

begun <- proc.time()[["elapsed"]]
fit <- brm(
  y ~ x + (1 + x | g), rows,
  chains = 4, iter = 2000, warmup = 1000, cores = 2, seed = as.integer(given[3]), refresh = 0
)
seconds <- proc.time()[["elapsed"]] - begun

theirs <- c("b_Intercept", "b_x", "sd_g__Intercept", "sd_g__x", "cor_g__Intercept__x", "sigma")
ours <- c("beta[Intercept]", "beta[x]", "sd[Intercept]", "sd[x]", "cor", "sigma")
drawn <- posterior::as_draws_array(fit, variable = theirs) # iteration, chain, variable
size <- dim(drawn)
draws <- data.frame(rep(seq_len(size[2]), each = size[1]), rep(seq_len(size[1]), size[2]))
for (name in theirs) draws[[name]] <- as.vector(drawn[, , name])
names(draws) <- c("chain", "draw", ours)
write.csv(draws, file.path(given[2], "draws.csv"), row.names = FALSE)
divergences <- sum(subset(nuts_params(fit), Parameter == "divergent__")$Value)
cat(
  sprintf(
    '{"fit_seconds": %f, "divergences": %d, "versions": "brms %s, rstan %s, R %s"}',
    seconds, as.integer(divergences),
    packageVersion("brms"), packageVersion("rstan"), getRversion()
  ),
  file = file.path(given[2], "result.json")
)
