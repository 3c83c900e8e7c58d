"""The fault simulator: whole timelines of backups, played to the real handler while everything around it breaks.

What runs is ``handler.app.lambda_handler`` with the clients and retries that ``app`` builds. Zoho and Slack are the
sandbox's servers on loopback; DynamoDB, SNS and SSM are moto, below botocore. Only time is ours: nothing sleeps.

- `wire` is where requests leave the process: each is a `Call`, counted as it comes, so that a new line of code that
  calls anything is found by itself.
- `faults` says what can happen to a call; `timelines` what happens in the world, and draws both.
- `world` holds the fakes and plays; `witness` sees what was written and what was accepted, and says what was broken.
- `python -m tests.simulation` plays for as long as it is told (`make soak`).
"""
