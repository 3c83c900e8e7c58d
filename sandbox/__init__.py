"""The cloud on one machine: what surrounds the function in production, near enough to trust a test of it.

server              the base of every fake: real HTTP on loopback, a record of requests, scripted faults
zoho, zoho_errors   Zoho's accounts server and CRM API; one builder each for rows, plans, download links and errors
channels            where messages go: a fake for each service, and `FAKES`, which lists them
template, cloudformation, aws
                    the project's own template, deployed into moto, which is AWS in memory
endpoint            all of AWS behind one address, the function included
runtime             Lambda: AWS's own runtime client against a small Runtime API
sandbox             all of them together, with the function that the template describes
demo, keep          what `make run` shows, and what `make sandbox` keeps
watch, problems, samples, readers
                    one organisation without any I/O, and a sample of every message as each reader gets it
gallery, browser    messages on a page, and Chromium to look at it

It is for tests, benchmarks and `make run`, and never ships: `handler` doesn't import it.
"""
