"""The handler without its care for the deadline: it reads and sends as if there were time, and dies in the middle."""

from handler import check, delivery
from handler.app import lambda_handler

check.DELIVERY_SECONDS = -60.0
delivery.SEND_SECONDS, delivery.WRITE_SECONDS = 60.0, -60.0

__all__ = ["lambda_handler"]
