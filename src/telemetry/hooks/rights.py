"""Who looks after webhooks and mail subscriptions.

They tell of every station, and a filter opens with one edit: so the right has to reach all stations.
"""

from typing import Annotated

from fastapi import Depends

from core import access
from core.access import Staff
from core.rights import Right


async def _reader(staff: access.HookReader) -> Staff:
    access.require_everywhere(staff, Right.SEE_HOOKS)
    return staff


async def _manager(staff: access.HookManager) -> Staff:
    access.require_everywhere(staff, Right.MANAGE_HOOKS)
    return staff


Reader = Annotated[Staff, Depends(_reader)]
Manager = Annotated[Staff, Depends(_manager)]
