"""The one error of the store of facts."""


class StoreError(Exception):
    """The store did not do what it was asked; the message is for people.

    ``about_data`` says that it cannot read the rows given: nothing of them is stored. ``damage``
    says that it cannot read its own files.
    """

    def __init__(self, message: str, *, about_data: bool = False, damage: bool = False) -> None:
        super().__init__(message)
        self.about_data = about_data
        self.damage = damage
