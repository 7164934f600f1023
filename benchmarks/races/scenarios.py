"""All scenarios, in the order in which they are run and told."""

from benchmarks.races.failover import FAILOVER
from benchmarks.races.forged import FORGED
from benchmarks.races.honest import HONEST
from benchmarks.races.leaving import LEAVING
from benchmarks.races.thieves import THIEVES

SCENARIOS = (*HONEST, *LEAVING, *THIEVES, *FORGED, *FAILOVER)
