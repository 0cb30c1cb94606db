"""Business degradation: what is switched off in the fleet, by whom, since when; and what can be."""
