"""PSM management: who owns what."""
