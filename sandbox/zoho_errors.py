"""Zoho's errors, answer by answer, for the fake to give and for a test to script.

The API's are documented at https://www.zoho.com/crm/developer/docs/api/v7/backup-history.html and
https://www.zoho.com/crm/developer/docs/api/v7/status-codes.html. The accounts server's are documented by name only; the
form of its throttling and its maintenance page is known from people who met them.
"""

from sandbox.server import Response


def envelope(status: int, code: str, message: str, **details: object) -> Response:
    """Make an error of the API, in the form that all of Zoho's have."""
    return Response.json({"code": code, "details": details, "message": message, "status": "error"}, status)


API_ERRORS = {
    code: envelope(status, code, message)
    for status, code, message in (
        # those of the history's page
        (404, "INVALID_URL_PATTERN", "Please check if the URL trying to access is a correct one"),
        (401, "OAUTH_SCOPE_MISMATCH", "Unauthorized"),
        (403, "NO_PERMISSION", "Permission denied to read"),
        (500, "INTERNAL_ERROR", "Internal Server Error"),
        (400, "INVALID_REQUEST_METHOD", "The http request method type is not a valid one"),
        # those of every call
        (401, "INVALID_TOKEN", "invalid oauth token"),
        (401, "INVALID_OAUTHTOKEN", "invalid oauth token"),
        (401, "AUTHENTICATION_FAILURE", "Authentication failed"),
        (429, "TOO_MANY_REQUESTS", "You have crossed the maximum limit of requests"),
    )
}

# The accounts server says what is wrong in the body: the status is 200.
TOKEN_ERRORS = {
    **{code: Response.json({"error": code}) for code in ("invalid_code", "invalid_client", "invalid_client_secret")},
    "throttled": Response.json(
        {
            "error": "Access Denied",
            "error_description": "You have made too many requests continuously. Please try again after some time.",
            "status": "failure",
        }
    ),
}

MAINTENANCE = Response.text(
    "<!DOCTYPE html><html><body><h1>Zoho is under maintenance. We'll be back shortly.</h1></body></html>",
    content_type="text/html;charset=UTF-8",
)
