"""The cloud on one machine: what surrounds the function in production, near enough to trust a test of it.

server           what every fake shares: real HTTP on loopback, a record of requests, scripted faults
zoho, zoho_data  Zoho's accounts server and CRM API; one builder each for rows, plans and download links
channels         where messages go: a fake a service, and `FAKES`, which lists them
template, cloudformation, moto_server, aws
                 the project's own template, deployed into moto, an AWS in memory
runtime          Lambda: AWS's own runtime client against a small Runtime API
endpoint         all of AWS behind one address, for other processes
sandbox          all of them together, with the function that the template describes
columns, screen, mrkdwn
                 how wide a text is, messages in a terminal, and Slack's markup as text and as HTML
story            what `make run` shows
keep             what `make sandbox` keeps
samples, gallery, live, browser
                 every kind of message on one page, messages on a page as they arrive, and Chromium to look at both

It is for tests, benchmarks and `make run`, and never ships: `handler` doesn't import it.
"""
