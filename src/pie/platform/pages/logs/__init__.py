"""Log search: lines, counts, stacks, context, live tail, tasks."""
