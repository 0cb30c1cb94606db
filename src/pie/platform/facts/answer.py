"""What became of posted rows."""

from dataclasses import dataclass


@dataclass(slots=True)
class RejectedLine:
    """A row that was not taken; ``line`` counts from 1."""

    line: int
    reason: str


@dataclass(slots=True)
class IngestAnswer:
    """What became of the rows of one post; all accepted rows are committed."""

    accepted: int
    duplicates: int
    rejected: list[RejectedLine]
    rejected_count: int
