"""Everything that can happen to a call, also to one that nobody has thought of yet."""

from tests.simulation import aws_faults, http_faults
from tests.simulation.faults import ANYWHERE, Fault
from tests.simulation.wire import Call, HttpCall

BY_SERVICE = {
    "zoho": http_faults.ZOHO,
    "dynamodb": aws_faults.DYNAMODB,
    "sns": aws_faults.SNS,
    "ssm": aws_faults.SSM,
}
BY_PLACE = {
    "zoho history": http_faults.HISTORY,
    "zoho backup": http_faults.BACKUP,
    "zoho urls": http_faults.URLS,
    **http_faults.CHANNELS,
    **aws_faults.BY_PLACE,
}


def kinds(call: Call) -> list[Fault]:
    """Return the faults for this call: those of any call, of its protocol, of its service and of its operation."""
    protocol = http_faults.HTTP if isinstance(call, HttpCall) else aws_faults.AWS
    return [*ANYWHERE, *protocol, *BY_SERVICE.get(call.service, []), *BY_PLACE.get(call.place, [])]
