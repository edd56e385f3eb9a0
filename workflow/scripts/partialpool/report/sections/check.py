"""Section of the posterior predictive checks."""

from partialpool.report.section import Section

SECTION = Section("check", "Check", files={"predictive": "prior and posterior predictive draws"})
