"""A success that is not the service's own, such as a maintenance page, is no acceptance on any channel."""

import pytest

from handler.errors import CheckFailed
from sandbox.channels import FAKES
from sandbox.server import Response
from sandbox.zoho_errors import MAINTENANCE
from tests.world import world


@pytest.mark.parametrize("page", [MAINTENANCE, Response.json([1]), Response.json(None)])
@pytest.mark.parametrize("name", sorted(FAKES))
def test_a_page_with_status_200_is_no_acceptance(name: str, page: Response) -> None:
    """The message stays pending, and arrives once."""
    with world(channels=[name]) as made:
        made.check()
        made.log(state="failed")
        made.fakes[name].reset()
        made.fakes[name].break_with(page)
        with pytest.raises(CheckFailed, match="1 notice pending"):
            made.check()
        made.fakes[name].repair()
        made.check()
        assert len(made.fakes[name].accepted) == 1
