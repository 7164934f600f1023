"""All scenarios, in the order in which they are run and told."""

from benchmarks.races.forged import FORGED
from benchmarks.races.honest import HONEST
from benchmarks.races.leaving import LEAVING
from benchmarks.races.replicas import REPLICAS
from benchmarks.races.thieves import THIEVES

# The last one leaves the system reading from a copy.
SCENARIOS = (*HONEST, *LEAVING, *THIEVES, *FORGED, *REPLICAS)
