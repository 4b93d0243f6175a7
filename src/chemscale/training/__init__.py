"""The one training loop of every world: steps, schedules, stop rules, checkpoints, records."""
