"""Static lists: who comes onto one, or off it, by a trigger or by an event of the person."""

from processors.decisions.moments import Moment
from processors.state import profiles
from processors.state.profiles import Profile
from schemas.events import CHANGE, LIST

Changed = tuple[str, str] | None
"""The fact of the profile that changed; None: there was nothing to change."""


def put(profile: Profile, moment: Moment, list_id: str, *, added: bool) -> Changed:
    """Puts a person on a list, or takes them off; who is on it already stays as they were."""
    if (list_id in profile.lists) is added:
        return None
    if added:
        profile.lists.append(list_id)
    else:
        profile.lists.remove(list_id)
    profiles.note_list(profile, list_id, moment.now if added else None)
    moment.note(("list", list_id), not added, added)
    return "list", list_id


def take_change(profile: Profile, moment: Moment, lists: frozenset[str]) -> Changed:
    """Does what the event at hand says of one of these lists (`List Changed`)."""
    list_id, change = moment.properties.get(LIST), moment.properties.get(CHANGE)
    if not isinstance(list_id, str) or list_id not in lists or change not in ("added", "removed"):
        return None
    return put(profile, moment, list_id, added=change == "added")
