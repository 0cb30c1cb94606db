"""Route: to which endpoints an attempt may go.

``rule`` says what an owner decides for all callers, ``build`` makes a plan of it and of the
endpoints that are there, ``plan`` finds the way of a call in a plan, ``gate`` does that for each
attempt, ``pin`` handles calls that name one instance.
"""

from pie.govern.route.gate import Route
from pie.govern.route.plan import Leaf, Outcome, Plan, outcomes, walk
from pie.govern.route.rule import RouteRule

__all__ = ["Leaf", "Outcome", "Plan", "Route", "RouteRule", "outcomes", "walk"]
