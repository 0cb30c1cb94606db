"""What a row of each kind holds: one table for the writers, the agent and the store."""
