"""How a refresh fares as sessions become many, and what a thousand refreshes leave behind."""
