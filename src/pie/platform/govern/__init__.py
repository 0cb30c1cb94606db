"""What the platform knows of rules: checks, differences, previews, explanations, effects.

Nothing here publishes; ``pie.state.rules`` does.
"""
