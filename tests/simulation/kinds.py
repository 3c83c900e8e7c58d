"""Everything that can happen to a call, also to one that nobody has thought of yet."""

from tests.simulation.aws_faults import AWS, BY_PLACE, DYNAMODB, SNS, SSM
from tests.simulation.faults import ANYWHERE, Fault
from tests.simulation.http_faults import HTTP, SLACK, ZOHO
from tests.simulation.wire import Call, HttpCall

BY_SERVICE = {"zoho": ZOHO, "slack": SLACK, "dynamodb": DYNAMODB, "sns": SNS, "ssm": SSM}


def kinds(call: Call) -> list[Fault]:
    """Return the faults for this call: those of any call, of its protocol, of its service and of its operation."""
    protocol = HTTP if isinstance(call, HttpCall) else AWS
    return [*ANYWHERE, *protocol, *BY_SERVICE.get(call.service, []), *BY_PLACE.get(call.place, [])]
