"""The fault simulator: whole timelines of backups, played to the real handler while everything around it breaks.

What runs is ``handler.app.lambda_handler`` with the clients and retries that ``app`` builds. Zoho and the channels are
the sandbox's servers on loopback; DynamoDB, SNS and SSM are `stack`, below botocore. Only time is ours: nothing sleeps.

- `interceptor` is where requests leave the process. Each is a call (`calls`), counted as it comes, so that new code
  that calls anything is found by itself. `faults` says what can happen to it.
- `timelines` says what happens in the world, draws it, plays it and lets it recover.
- `world` holds the fakes and the clock, and hands what was written and what was accepted to the `judge`, who says which
  promise was broken.
- ``python -m tests.faults`` plays for as long as one likes (``make soak``).
- ``python -m tests.faults.mutations`` breaks the code on purpose and says which test noticed.
"""
