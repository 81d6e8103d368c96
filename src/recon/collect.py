"""How often Python looks for cycles of dead objects: seldom, in the program's own processes."""

import gc

# By default every 700 new tuples or lists; a run makes millions that stay, and looking through them again and again
# takes a quarter of the time of matching. Pages of a PDF do leave cycles behind: not much more seldom than this.
EVERY = (20_000, 10, 10)


def seldom() -> None:
    """Look for cycles seldom, from now on and in this process."""
    gc.set_threshold(*EVERY)
