"""Rules as desired state: published by a `RuleBook`, followed by each process's `StoreRules`."""
