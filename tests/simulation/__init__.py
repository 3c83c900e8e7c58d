"""The fault simulator: whole timelines of backups, played to the real handler while everything around it breaks.

What runs is ``handler.app.lambda_handler`` with the clients and retries that ``app`` builds. Zoho and the channels are
the sandbox's servers on loopback; DynamoDB, SNS and SSM are `stack`, below botocore. Only time is ours: nothing sleeps.

- `wire` says what a request on its way out is, a `Call`; `tap` is where they leave the process. Each is counted as it
  comes, so that new code that calls anything is found by itself. `kinds` says what can happen to it: `faults`,
  `http_faults`, `aws_faults`.
- `timelines` says what happens in the world, plays it and lets it recover; `drawn` draws it.
- `world` holds the fakes and the clock, `invocation` one run of the function, `stack` what it has in AWS; `setting`
  puts all of it up. `arrivals` hands what was written and what was accepted to `witness`, who says which promise was
  broken; `pairs` is its view of incidents, `tally` what it counts.
- ``python -m tests.simulation`` plays for as long as one likes (``make soak``).
- ``python -m tests.simulation.mutations`` breaks the code on purpose and says which test noticed.
"""
