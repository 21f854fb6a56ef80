"""What a part says when what it runs is not there."""


class PartMissingError(Exception):
    """A part cannot run on this machine as it is; says what to do."""
